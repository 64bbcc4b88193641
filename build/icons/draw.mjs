// Draws the icons of the desktop app from the SVG files beside this one: node build/icons/draw.mjs
// PNG by a browser, .ico and .icns as containers of PNG. What it makes is committed, so that no build needs a browser.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const folder = import.meta.dirname;
const runTime = join(folder, 'run-time');
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Sizes in pixels of the images in an icon file. */
const icoSizes = [16, 24, 32, 48, 64, 128, 256];
/** Apple's name for each size that is a PNG. */
const icnsTypes = { 64: 'ic12', 128: 'ic07', 256: 'ic08', 512: 'ic09', 1024: 'ic10' };

async function draw(page, name, size) {
  const svg = readFileSync(join(folder, `${name}.svg`), 'utf8');
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(
    `<style>*{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`,
  );
  return page.screenshot({ omitBackground: true });
}

/** The ICO container: a header, one entry of 16 bytes an image, then the images. */
function ico(images) {
  const header = Buffer.alloc(6 + 16 * images.length);
  header.writeUInt16LE(1, 2);
  header.writeUInt16LE(images.length, 4);
  let offset = header.length;
  images.forEach(({ size, png }, at) => {
    const entry = 6 + 16 * at;
    header.writeUInt8(size % 256, entry);
    header.writeUInt8(size % 256, entry + 1);
    header.writeUInt16LE(1, entry + 4);
    header.writeUInt16LE(32, entry + 6);
    header.writeUInt32LE(png.length, entry + 8);
    header.writeUInt32LE(offset, entry + 12);
    offset += png.length;
  });
  return Buffer.concat([header, ...images.map(({ png }) => png)]);
}

/** The ICNS container: `icns`, its length, then type, length and image, all big-endian. */
function icns(images) {
  const parts = images.map(({ size, png }) => {
    const head = Buffer.alloc(8);
    head.write(icnsTypes[size], 'latin1');
    head.writeUInt32BE(png.length + 8, 4);
    return Buffer.concat([head, png]);
  });
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.write('icns', 'latin1');
  head.writeUInt32BE(body.length + 8, 4);
  return Buffer.concat([head, body]);
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const page = await browser.newPage();
  const images = async (sizes) => {
    const drawn = [];
    for (const size of sizes) drawn.push({ size, png: await draw(page, 'gatehouse', size) });
    return drawn;
  };
  mkdirSync(runTime, { recursive: true });
  writeFileSync(join(folder, 'icon.png'), await draw(page, 'gatehouse', 512));
  writeFileSync(join(folder, 'icon.ico'), ico(await images(icoSizes)));
  writeFileSync(join(folder, 'icon.icns'), icns(await images(Object.keys(icnsTypes).map(Number))));
  writeFileSync(join(runTime, 'window.png'), await draw(page, 'gatehouse', 256));
  for (const name of ['online', 'attention', 'locked']) {
    writeFileSync(join(runTime, `tray-${name}.png`), await draw(page, `tray-${name}`, 22));
    writeFileSync(join(runTime, `tray-${name}@2x.png`), await draw(page, `tray-${name}`, 44));
  }
} finally {
  await browser.close();
}
