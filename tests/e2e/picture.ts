import type { Browser } from '@playwright/test';

interface Form {
  type: 'image/png' | 'image/webp';
  /** Between 0 and 1, for webp. */
  quality?: number;
  /** In pixels; without it the picture keeps its size. */
  width?: number;
}

/** A PNG in another form, drawn by the browser: nothing else that can is needed. */
export async function recoded(browser: Browser, png: Buffer, form: Form): Promise<Buffer> {
  const page = await browser.newPage();
  const encoded = await page.evaluate(
    async ([png, { type, quality, width }]) => {
      const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
      const scale = (width ?? picture.width) / picture.width;
      const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
      const context = canvas.getContext('2d');
      if (context === null) throw new Error('this browser draws nothing');
      context.imageSmoothingQuality = 'high';
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      const bytes = new Uint8Array(await (await canvas.convertToBlob({ type, ...(quality === undefined ? {} : { quality }) })).arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    },
    [png.toString('base64'), form] as const,
  );
  await page.close();
  return Buffer.from(encoded, 'base64');
}
