export type Part = 'keychain' | 'address' | 'tls' | 'credential' | 'rights' | 'service';
export type StepState = 'fine' | 'failed' | 'not_reached';

const order: readonly Part[] = ['keychain', 'address', 'tls', 'credential', 'rights'];

/** The parts of a sign-in test in their order: all before the one that failed worked, none behind it was reached. */
export function stepsOf(failed: string | null): { part: Part; state: StepState }[] {
  if (failed === null) return order.map((part) => ({ part, state: 'fine' }));
  // A service that fails by itself failed after the connection, at whatever was asked of it.
  const parts: readonly Part[] = failed === 'service' ? ['keychain', 'address', 'tls', 'service'] : order;
  const at = parts.indexOf(failed as Part);
  if (at < 0) return [];
  return parts.map((part, number) => ({ part, state: number < at ? 'fine' : number === at ? 'failed' : 'not_reached' }));
}
