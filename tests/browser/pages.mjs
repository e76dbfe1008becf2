// Every kind of page of a folder (RUNDRUF_DIR) in each language: light and dark, 320 px, a phone, a desk, 400 % zoom, large text,
// the reader's own colours, without script, under the pages' own policy (RUNDRUF_CSP). Serves the folder itself, so that it can
// be run by hand on an export.
import assert from 'node:assert'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, test } from 'node:test'
import { findings, launch, open, spilled, tooWide, turn } from './open.mjs'

const dir = process.env.RUNDRUF_DIR
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

// The four cases are different enough to be kinds of their own; 'real/' is the export of the examples.
const cases = ['potsdam/', 'soest/', 'schwerin/', 'provider/', 'gemeinde/', 'soest/place/lippetal/']
const kinds = ['', 'potsdam/', 'soest/', 'ruhe/', 'potsdam/2023-01-it/1/', 'soest/2023-10-30-it/7/', 'potsdam/archive/',
  'potsdam/imprint/', 'potsdam/privacy/', 'potsdam/accessibility/']
const languages = ['', 'de-simple/', 'en/']
const inEach = (pages) => languages.flatMap((lang) => pages.map((page) => `real/${lang}${page}index.html`))
const german = cases.slice(2).map((page) => `real/${page}index.html`)
const checked = [...inEach(kinds), ...german, 'real/404.html', 'ugly/index.html', 'exercise/index.html', 'exercise/potsdam/archive/index.html']

const looks = [
  ...[{ width: 320 }, { width: 360 }, { width: 1280, height: 800 }, { width: 1280, height: 1024, zoom: 4 }]
    .flatMap((look) => [look, { ...look, dark: true }]),
  { width: 360, forced: true },
]
const large = [{ width: 360, text: 200 }, { width: 1280, height: 800, text: 400 }]

async function fits(view, look) {
  await turn(view, look)
  assert.equal(await tooWide(view), false, `scrolls sideways: ${JSON.stringify(look)}`)
  assert.deepEqual(await spilled(view), [], JSON.stringify(look))
}

for (const page of checked) {
  test(`no findings: ${page}`, async () => {
    const view = await open(browser, site + page, { script: false })
    for (const look of looks) {
      await fits(view, look)
      assert.deepEqual(await findings(view), [], JSON.stringify(look))
    }
    for (const look of large) await fits(view, look)
    assert.deepEqual(view.asked, [site + page], 'asks for more than itself')
    await close()
  })
}

test('the words of every language fit, and the state stands on the first screen of a small phone', async () => {
  for (const page of inEach(cases)) {
    const view = await open(browser, site + page, { script: false })
    for (const look of [{ width: 320 }, { width: 1280, height: 800 }, { width: 1280, height: 1024, zoom: 4 }, ...large]) await fits(view, look)
    await turn(view, { width: 360, height: 640 })
    const box = await view.locator('.state').boundingBox()
    assert.ok(box.y + box.height <= 640, `${page} ends at ${box.y + box.height}`)
    await close()
  }
})

test('what is touched is as large as a finger', async () => {
  for (const page of ['', 'potsdam/', 'soest/', 'ruhe/', 'potsdam/2023-01-it/1/', 'potsdam/archive/']) {
    const view = await open(browser, `${site}real/${page}index.html`, { script: false })
    const small = await view.evaluate(() => [...document.querySelectorAll('a, summary')]
      .map((a) => ({ text: a.textContent, height: Math.round(a.getBoundingClientRect().height), in: a.parentElement.className }))
      .filter((a) => a.height < 44))
    assert.deepEqual(small, [], page)
    await close()
  }
})

test('by keyboard: the first key leads past the head, and what changed unfolds', async () => {
  const view = await open(browser, site + 'real/potsdam/index.html', { script: false })
  await view.keyboard.press('Tab')
  const skip = view.locator('.skip')
  assert.ok(await skip.evaluate((a) => a === document.activeElement && a.getBoundingClientRect().left >= 0))
  await view.keyboard.press('Enter')
  assert.match(view.url(), /#inhalt$/)
  await view.locator('summary').first().focus()
  await view.keyboard.press('Enter')
  assert.ok(await view.locator('details li').first().isVisible())
  await close()
})

test('on a phone the table of services is cards and still a table', async () => {
  const view = await open(browser, site + 'real/potsdam/index.html')
  assert.equal(await view.evaluate(() => getComputedStyle(document.querySelector('tbody tr')).display), 'block')
  assert.equal(await view.getByRole('table').count(), 1)
  assert.ok(await view.getByRole('rowheader').count() > 1)
  assert.equal(await view.getByRole('columnheader').count(), 3)
  await close()
})

// A browser that knows neither flexible boxes nor what else came in the decade before 2016, let alone after.
const young = /(display:(-webkit-)?flex|[^;{}]*(flex-wrap|justify-content|text-size-adjust|overflow-wrap|box-sizing):[^;}]*|font-family:system-ui[^;}]*);?/g
const old = (page) => page.replace(/<style>[^]*<\/style>/, (style) => style.replace(young, '').replace(/@media \((prefers|forced)[^]*?\}\}/g, ''))
test('a browser that knows half of the stylesheet shows everything', async () => {
  for (const page of ['', 'potsdam/', 'soest/', 'potsdam/2023-01-it/1/']) {
    const body = old(fs.readFileSync(path.join(dir, `real/${page}index.html`), 'utf8'))
    assert.doesNotMatch(body, /flex|prefers|forced-colors/)
    const view = await (await browser.newContext({ javaScriptEnabled: false })).newPage()
    await view.route('**/*', (route) => route.fulfill({ body, contentType: 'text/html; charset=utf-8' }))
    await view.goto(`${site}real/${page}index.html`)
    view.forAxe = view
    for (const look of [{ width: 320 }, { width: 1280, height: 800 }]) await fits(view, look)
    await close()
  }
})

test('on paper: A4, no more leaves than needed, nothing that only a finger can use', async () => {
  const view = await open(browser, site + 'real/potsdam/index.html')
  const leaves = (await view.pdf({ format: 'A4' })).toString('latin1').match(/\/Type \/Page\b/g).length
  assert.ok(leaves <= 4, `${leaves} leaves`)
  await view.emulateMedia({ media: 'print', colorScheme: 'dark' })
  for (const hidden of ['.langs', '.links', 'summary']) assert.equal(await view.locator(hidden).first().isVisible(), false, hidden)
  assert.equal(await view.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)')
  await close()
})
