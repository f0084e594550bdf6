import { describe, expect, it } from 'vitest';
import { stepsOf } from './test_steps';

const told = (failed: string | null) => stepsOf(failed).map(({ part, state }) => `${part} ${state}`);

describe('the steps of a sign-in test', () => {
  it('are fine before the one that failed and not reached behind it', () => {
    expect(told('credential')).toEqual(['keychain fine', 'address fine', 'tls fine', 'credential failed', 'rights not_reached']);
    expect(told('keychain')[0]).toBe('keychain failed');
    expect(told('service')).toEqual(['keychain fine', 'address fine', 'tls fine', 'service failed']);
  });

  it('are all fine where nothing failed, and none where it is not known what did', () => {
    expect(stepsOf(null).every(({ state }) => state === 'fine')).toBe(true);
    expect(stepsOf('of tomorrow')).toEqual([]);
  });
});
