import type { PreviewAnswer } from '../../../bindings/commands';

/** The bytes of a preview as something the page can show. Their type is the one the app found, which is never one that runs. */
export function blobOf({ bytes, media_type }: Pick<PreviewAnswer, 'bytes' | 'media_type'>): Blob | null {
  if (bytes === null || media_type === null) return null;
  return new Blob([bytesOf(bytes)], { type: media_type });
}

/** Base64 as bytes. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** A place for work of which only so much is done at once; what nobody waits for any more is left out. */
export function queueOf(most: number) {
  const waiting: { run: () => Promise<void>; wanted: () => boolean }[] = [];
  let running = 0;
  const next = () => {
    while (running < most) {
      const work = waiting.pop();
      if (work === undefined) return;
      if (!work.wanted()) continue;
      running += 1;
      void work.run().finally(() => {
        running -= 1;
        next();
      });
    }
  };
  return (run: () => Promise<void>, wanted: () => boolean) => {
    waiting.push({ run, wanted });
    next();
  };
}
