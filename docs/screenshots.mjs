// screenshots.mjs SITE BOARD INIT DOCS: the pictures, drawn by chromium. Called by screenshots.sh.
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { launch } from '../tests/browser/open.mjs'

const [site, board, init, docs] = process.argv.slice(2)
const browser = await launch()
const scale = 1.5

async function shot(look, show) {
  const page = await (await browser.newContext({ deviceScaleFactor: scale, locale: 'de-DE', ...look })).newPage()
  await show(page)
  const picture = await page.screenshot()
  await page.context().close()
  return picture
}

const start = pathToFileURL(path.join(site, 'potsdam/index.html')).href
const desk = await shot({ viewport: { width: 960, height: 800 } }, (page) => page.goto(start))
const phone = await shot({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' }, (page) => page.goto(start))
const data = (png) => `data:image/png;base64,${png.toString('base64')}`
const page = await shot({ viewport: { width: 1420, height: 840 } }, (page) => page.setContent(`<!doctype html><style>
  body { margin: 0; height: 840px; background: #dfe4ea; display: flex; gap: 30px; align-items: center; justify-content: center }
  img { display: block } .desk { width: 960px; border-radius: 8px; border: 1px solid #b6bec8 }
  .phone { width: 360px; border-radius: 22px; border: 9px solid #20242a }
</style><img class="desk" src="${data(desk)}"><img class="phone" src="${data(phone)}">`, { waitUntil: 'load' }))
fs.writeFileSync(path.join(docs, 'page.png'), page)

/** What tmux captured, with its colours, as HTML. */
function html(text) {
  const colours = { 1: 'font-weight:700', 31: 'color:#ff938a', 32: 'color:#57c99a', 33: 'color:#e3b341' }
  const safe = text.trimEnd().replace(/&/g, '&amp;').replace(/</g, '&lt;')
  let open = 0
  const close = () => '</span>'.repeat(open)
  return safe.replace(/\x1b\[([\d;]*)m/g, (_, codes) => {
    const styles = codes.split(';').map((code) => colours[Number(code)]).filter(Boolean)
    if (styles.length) { open += 1; return `<span style="${styles.join(';')}">` }
    const ended = close()
    open = 0
    return ended
  }) + close()
}

const terminal = await browser.newContext({ deviceScaleFactor: 2, viewport: { width: 900, height: 600 } })
for (const [shown, picture] of [[board, 'board.png'], [init, 'init.png']]) {
  const screen = await terminal.newPage()
  await screen.setContent(`<!doctype html><style>
  body { margin: 0; background: #dfe4ea } main { display: inline-block; padding: 20px }
  pre { margin: 0; padding: 18px 22px; width: 80ch; border-radius: 10px; background: #14181d; color: #e6edf3; font: 15px/1.45 "DejaVu Sans Mono", monospace }
</style><main><pre>${html(fs.readFileSync(shown, 'utf8'))}</pre></main>`)
  await screen.locator('main').screenshot({ path: path.join(docs, picture) })
}
await browser.close()
