import { describe, expect, it } from 'vitest';
import { blobOf, bytesOf, queueOf } from './blob';

describe('the bytes of a preview', () => {
  it('are what the app sent, under the type it found', () => {
    expect([...bytesOf('AP+A')]).toEqual([0, 255, 128]);
    expect(blobOf({ bytes: 'AP+A', media_type: 'image/png' })).toMatchObject({ size: 3, type: 'image/png' });
    expect(blobOf({ bytes: null, media_type: 'image/png' })).toBeNull();
  });

  it('are asked for by few at once, the newest first, and not when nobody wants them any more', async () => {
    const add = queueOf(1);
    const done: number[] = [];
    let free = () => {};
    add(() => new Promise((resolve) => (free = () => (done.push(1), resolve()))), () => true);
    add(async () => void done.push(2), () => false);
    add(async () => void done.push(3), () => true);
    add(async () => void done.push(4), () => true);
    expect(done).toEqual([]);
    free();
    await new Promise((resolve) => setTimeout(resolve));
    expect(done).toEqual([1, 4, 3]);
  });
});
