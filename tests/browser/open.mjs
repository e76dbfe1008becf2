// What every browser script shares: Debian's chromium by playwright-core, and axe. Run by tests/it/support/browser.rs, or by hand:
//   RUNDRUF_URL=http://127.0.0.1:8080/ node --test tests/browser/smoke.mjs
// Not a script with tests itself.
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const peers = process.env.RUNDRUF_NODE_PEERS || path.join(here, '../../target/peers/node')
const require = createRequire(path.join(peers, 'x.js'))
const { chromium } = require('playwright-core')

/** The address under test. */
export const url = process.env.RUNDRUF_URL

/** All that the project promises of a page. */
export const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** One browser for a script; close it in after(). Asks nothing of the network but the page. */
export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})

/**
 * A page at `address`. options: width, height, dark (colour scheme), script (false switches JavaScript off),
 * zoom (4 means 400 %: the window is that much narrower in CSS pixels, as WCAG 1.4.10 defines it).
 */
export async function open(browser, address, { width = 360, height = 640, dark = false, script = true, zoom = 1 } = {}) {
  const looks = {
    viewport: { width: Math.round(width / zoom), height: Math.round(height / zoom) },
    deviceScaleFactor: zoom, colorScheme: dark ? 'dark' : 'light', locale: 'de-DE',
  }
  const page = await (await browser.newContext({ ...looks, javaScriptEnabled: script })).newPage()
  page.asked = []
  page.on('request', (r) => page.asked.push(r.url()))
  await page.goto(address, { waitUntil: 'load' })
  // Axe itself is a script: what a reader without script sees is copied into a page where only the driver's scripts run.
  page.forAxe = script ? page : await copy(page, await (await browser.newContext(looks)).newPage(), address)
  return page
}

async function copy(page, to, address) {
  const body = (await page.content()).replace(/<\/?noscript[^>]*>/gi, '')
  await to.route(address, (route) => route.fulfill({
    body, contentType: 'text/html; charset=utf-8', headers: { 'content-security-policy': "script-src 'none'" },
  }))
  await to.goto(address, { waitUntil: 'load' })
  return to
}

/** What axe finds, as readable lines; [] when nothing. */
export async function findings(page) {
  const view = page.forAxe
  if (!await view.evaluate(() => 'axe' in window)) await view.evaluate(require('axe-core').source)
  const result = await view.evaluate((values) => window.axe.run(document, { runOnly: { type: 'tag', values } }), rules)
  return result.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${v.help}: ${n.target.join(' ')}`))
}

/**
 * The same page looked at otherwise: { width, height, zoom, dark } as for open(), forced (the reader's own colours), text (200 means
 * letters of twice their size, by the browser's setting, which also moves what a stylesheet asks in em).
 */
export async function turn(page, { width = 360, height = 640, zoom = 1, dark = false, forced = false, text = 100 } = {}) {
  for (const view of new Set([page, page.forAxe])) {
    view.session ??= await view.context().newCDPSession(view)
    await view.session.send('Emulation.setDeviceMetricsOverride', {
      width: Math.round(width / zoom), height: Math.round(height / zoom), deviceScaleFactor: zoom, mobile: false,
    })
    await view.session.send('Page.setFontSizes', { fontSizes: { standard: 16 * text / 100, fixed: 13 * text / 100 } })
    await view.emulateMedia({ colorScheme: dark ? 'dark' : 'light', forcedColors: forced ? 'active' : 'none' })
  }
}

/** Does the page scroll sideways? */
export const tooWide = (page) => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)

/** Elements whose content sticks out of them or is cut off, as readable lines. */
export const spilled = (page) => page.evaluate(() => [...document.querySelectorAll('body *')]
  .filter((e) => getComputedStyle(e).display !== 'inline' && !e.closest('svg') && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1)
  .map((e) => `${e.tagName} ${e.className} ${e.scrollWidth} > ${e.clientWidth}: ${e.textContent.trim().slice(0, 60)}`))
