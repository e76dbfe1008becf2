// The page that draws what the imitated services received, once something of each kind is there.
import assert from 'node:assert'
import { after, test } from 'node:test'
import { findings, launch, open, tooWide, url } from './open.mjs'

const browser = await launch()
after(() => browser.close())

for (const look of [{ width: 360 }, { width: 360, dark: true }, { width: 1280, height: 900 }, { width: 1280, height: 900, dark: true }]) {
  test(`a post, a mail, two phones and nothing else: ${JSON.stringify(look)}`, async () => {
    const page = await open(browser, url, look)
    assert.deepEqual(await findings(page), [])
    assert.equal(await tooWide(page), false)
    assert.equal(await page.locator('.card:not(.mail) .text').innerText(), 'E-Mail geht wieder.')
    assert.equal(await page.locator('.counts li').innerText(), '1 × Dienste gehen wieder')
    const mail = page.locator('.mail')
    assert.match(await mail.innerText(), /An\s+anna@ex\.example\s+Betreff\s+Dienste gehen wieder\s+Zeile 1\n/)
    assert.equal(await mail.getByText('Zeile 20').isVisible(), false)
    await mail.getByText('Weiterlesen').click()
    assert.equal(await mail.getByText('Zeile 20').isVisible(), true)
    assert.equal(await page.locator('.phone').count(), 2)
    assert.equal(await page.locator('.none').count(), 1)
    assert.ok(page.asked.every((address) => address.startsWith(url)), `asks elsewhere: ${page.asked}`)
  })
}
