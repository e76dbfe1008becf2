// Proves the checker: it passes a sound page and finds planted faults. Served by tests/it/peers.rs.
import assert from 'node:assert'
import { after, test } from 'node:test'
import { findings, launch, open, tooWide, url } from './open.mjs'

const browser = await launch()
after(() => browser.close())

test('a sound page has no findings, light and dark', async () => {
  for (const dark of [false, true]) {
    const page = await open(browser, url + 'sound', { dark })
    assert.deepEqual(await findings(page), [])
    assert.equal(await tooWide(page), false)
  }
})

test('planted faults are found', async () => {
  const page = await open(browser, url + 'faulty', { width: 320 })
  const found = (await findings(page)).join('\n')
  for (const rule of ['image-alt', 'color-contrast', 'html-has-lang']) assert.match(found, new RegExp(`^${rule}:`, 'm'))
  assert.equal(await tooWide(page), true)
})

test('without script the page stands as it came', async () => {
  const page = await open(browser, url + 'sound', { script: false })
  assert.equal(await page.locator('#by-script').textContent(), 'as it came')
  assert.deepEqual(await findings(page), [])
  const faulty = await open(browser, url + 'faulty', { script: false, zoom: 4, width: 1280 })
  assert.match((await findings(faulty)).join('\n'), /^image-alt:/m)
  assert.equal(await tooWide(faulty), true)
})
