// Every page of a folder (RUNDRUF_DIR) in light and dark, at 320 px and 400 % zoom, without script, under the pages' own policy
// (RUNDRUF_CSP). Serves the folder itself, so that it can be run by hand on an export. RUNDRUF_SHOTS names a folder for pictures.
import assert from 'node:assert'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, test } from 'node:test'
import { findings, launch, open, tooWide } from './open.mjs'

const dir = process.env.RUNDRUF_DIR
const pages = fs.readdirSync(dir, { recursive: true }).filter((f) => f.endsWith('.html')).sort()
const types = { html: 'text/html', json: 'application/json', rss: 'application/rss+xml', atom: 'application/atom+xml' }
const server = http.createServer((request, response) => {
  const wanted = decodeURIComponent(new URL(request.url, 'http://x').pathname)
  const file = path.join(dir, wanted.endsWith('/') ? wanted + 'index.html' : wanted)
  if (!file.startsWith(dir) || !fs.existsSync(file)) return response.writeHead(404).end()
  const type = types[path.extname(file).slice(1)] || 'application/octet-stream'
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': process.env.RUNDRUF_CSP })
  response.end(fs.readFileSync(file))
})
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const site = `http://127.0.0.1:${server.address().port}/`
const browser = await launch()
after(async () => { await browser.close(); server.close() })

const close = () => Promise.all(browser.contexts().map((context) => context.close()))
// One page of each kind: pages of a kind share their template, and axe takes seconds for each.
const kinds = ['a/potsdam/', 'a/en/potsdam/', 'a/de-simple/potsdam/', 'a/potsdam/2023-01-it/2/', 'a/potsdam/archive/', 'a/potsdam/imprint/',
  'a/potsdam/privacy/', 'a/potsdam/accessibility/', 'c/soest/2023-10-it/', 'c/soest/2023-10-it/1/', 'c/soest/place/soest/',
  'c/en/soest/', 'quiet/', 'wall/', 'ugly/'].map((kind) => kind + 'index.html').concat('a/404.html')

test('the folder has these pages', () => assert.deepEqual(kinds.filter((kind) => !pages.includes(kind)), []))

for (const page of kinds) {
  test(page, async () => {
    for (const look of [{ width: 1280 }, { width: 320, dark: true }, { width: 1280, height: 1024, zoom: 4 }]) {
      const view = await open(browser, site + page, { ...look, script: false })
      if (!look.zoom || page === 'a/potsdam/index.html') assert.deepEqual(await findings(view), [], JSON.stringify(look))
      assert.equal(await tooWide(view), false, `scrolls sideways: ${JSON.stringify(look)}`)
      assert.equal(view.asked.length, 1, `asks for more than itself: ${view.asked}`)
      await close()
    }
  })
}

test('the state stands on the first screen of a small phone', async () => {
  for (const page of pages.filter((p) => /^(a|c)\/(en\/|de-simple\/)?\w+\/index\.html$/.test(p))) {
    const view = await open(browser, site + page, { width: 360, height: 640, script: false })
    const box = await view.locator('.state').boundingBox()
    assert.ok(box.y + box.height <= 640, `${page} ends at ${box.y + box.height}`)
    await close()
  }
})

test('what is touched is large enough, and the stylesheet is let in by the policy', async () => {
  const view = await open(browser, site + 'a/potsdam/index.html', { width: 360 })
  const small = await view.evaluate(() => [...document.querySelectorAll('nav a, .links a, .way a, .sos a, summary')]
    .map((a) => ({ text: a.textContent, height: a.getBoundingClientRect().height }))
    .filter((a) => a.height < 24))
  assert.deepEqual(small, [])
  assert.equal(await view.evaluate(() => getComputedStyle(document.querySelector('.ticker')).listStyleType), 'none')
  await close()
})

test('on a phone the table of services is cards and still a table', async () => {
  const view = await open(browser, site + 'a/potsdam/index.html', { width: 360 })
  assert.equal(await view.evaluate(() => getComputedStyle(document.querySelector('tbody tr')).display), 'block')
  assert.equal(await view.getByRole('table').count(), 1)
  assert.ok(await view.getByRole('rowheader').count() > 1)
  assert.ok(await view.getByRole('columnheader').count() === 3)
  await close()
})

if (process.env.RUNDRUF_SHOTS) {
  test('pictures', async () => {
    for (const [name, page, look] of [
      ['a-phone', 'a/potsdam/index.html', {}], ['a-phone-dark', 'a/potsdam/index.html', { dark: true }],
      ['a-desk', 'a/potsdam/index.html', { width: 1280, height: 900 }], ['a-desk-dark', 'a/potsdam/index.html', { width: 1280, height: 900, dark: true }],
      ['c-phone', 'c/soest/index.html', {}], ['c-desk', 'c/soest/index.html', { width: 1280, height: 900 }],
      ['wall', 'wall/index.html', { width: 1280 }], ['quiet', 'quiet/index.html', {}], ['notice', 'c/soest/2023-10-it/1/index.html', { width: 1280, height: 800 }],
      ['ugly', 'ugly/index.html', {}], ['imprint', 'a/potsdam/imprint/index.html', {}], ['simple', 'a/de-simple/potsdam/index.html', {}],
    ]) {
      const view = await open(browser, site + page, look)
      await view.screenshot({ path: path.join(process.env.RUNDRUF_SHOTS, `${name}.png`) })
      await view.screenshot({ path: path.join(process.env.RUNDRUF_SHOTS, `${name}-full.png`), fullPage: true })
      await close()
    }
  })
}
