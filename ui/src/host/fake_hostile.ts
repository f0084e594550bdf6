import { busyWorld, file, record, type World } from './fake_world';

const MARKUP = '<img src=x onerror="document.title=\'executed\'"><script>document.title="executed"</script>';
/** From right to left, with marks that turn the order of what follows. */
const TURNED = '\u202Eexe.gnp-סריקה-مسح\u202C';

/** Metadata of every shape a service may send. */
function metadata(): Record<string, unknown> {
  let deep: unknown = 'the bottom';
  for (let level = 0; level < 500; level += 1) deep = { [`level ${level}`]: deep };
  return { deep, nothing: null, empty: {}, list: Array.from({ length: 5_000 }, (_, at) => [at, null, { at }]), [MARKUP]: MARKUP, [TURNED]: TURNED, long: 'x'.repeat(10_000), number: 1e300, doi: { identifier: 7 }, ['__proto__x']: [] };
}

/** A service that means no good, or knows no better. */
export function hostileWorld(): World {
  const world = busyWorld();
  const titles = [MARKUP, TURNED, 'T'.repeat(10_000), '👩🏽‍🔬'.repeat(400), ''];
  world.mine = titles.map((title, at) => ({ ...record(`hostile-${at}`, title, 'draft', 5, Number.MAX_SAFE_INTEGER), metadata: metadata() as never, modified: at === 2 ? 1e300 : Date.now(), web_page: 'javascript:document.title="executed"', complaints: [MARKUP] }));
  const names = [MARKUP.replaceAll('/', ''), TURNED, `${'n'.repeat(10_000)}.tif`, '../../etc/passwd', 'broken.pdf'];
  for (const { path } of world.mine) world.files.set(path, names.map((name, at) => file(path, name, at === 1 ? Number.MAX_SAFE_INTEGER : 7, { metadata: metadata() as never, media_type: MARKUP, modified: at === 0 ? 1e300 : -1e300 })));
  return world;
}
