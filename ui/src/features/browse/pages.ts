/** Where a service's page may be opened: on the account's own origin, and at the resolver of DOIs. */
export function mayOpen(address: string | null, account: string): boolean {
  if (address === null) return false;
  try {
    const page = new URL(address);
    if (!['http:', 'https:'].includes(page.protocol) || page.username !== '' || page.password !== '') return false;
    return page.origin === new URL(account).origin || page.origin === RESOLVER;
  } catch {
    return false;
  }
}

const RESOLVER = 'https://doi.org';
/** Levels of metadata that are looked through for a DOI. */
const DEPTH = 5;

/** The DOI in a record's metadata, whatever shape that has: what is called `doi`, or an identifier below that name. */
export function doiOf(metadata: unknown, depth = DEPTH): string | null {
  if (depth === 0 || typeof metadata !== 'object' || metadata === null) return null;
  for (const [name, value] of Object.entries(metadata)) {
    if (name.toLowerCase() !== 'doi') continue;
    const text = typeof value === 'object' && value !== null && 'identifier' in value ? value.identifier : value;
    const found = typeof text === 'string' ? /10\.\d{4,9}\/\S{1,200}$/.exec(text) : null;
    if (found) return found[0];
  }
  for (const value of Object.values(metadata)) {
    const found = doiOf(value, depth - 1);
    if (found !== null) return found;
  }
  return null;
}

export const doiPage = (doi: string): string => `${RESOLVER}/${doi.split('/').map(encodeURIComponent).join('/')}`;
