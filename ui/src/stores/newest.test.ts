import { expect, it } from 'vitest';
import { newest } from './newest';

it('asks again until nothing was heard meanwhile', async () => {
  let [heard, asked] = [0, 0];
  const ask = async () => {
    asked += 1;
    if (asked < 3) heard += 1;
    return asked;
  };
  expect(await newest(() => heard, ask)).toBe(3);
  expect(asked).toBe(3);
});
