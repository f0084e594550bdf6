import { matches, type Filter } from '../stores/queue';
import type { AccountRow, ActionRow, BatchRow, CheckRow, ClashRow, ContainerRow, FileRow, FolderFileRow, FolderNames, FolderRow, PartRow, PreviewAnswer, ProblemWords, ServiceRow, TransferRow, UploadPlan } from '../bindings/commands';
import { plainRule } from '../stores/folders.svelte';

const MIB = 1024 * 1024;
/** Bytes of every part but the last. */
export const PART = 16 * MIB;

/** Hexadecimal digits that look like a digest and are always the same for a name. */
export function digits(name: string, length: number): string {
  let state = 2166136261;
  let text = '';
  for (let at = 0; text.length < length; at += 1) {
    state = Math.imul(state ^ name.charCodeAt(at % Math.max(1, name.length)) ^ at, 16777619) >>> 0;
    text += state.toString(16).padStart(8, '0');
  }
  return text.slice(0, length);
}

export const services: ServiceRow[] = [
  {
    service: 'nrp',
    title: 'NRP / InvenioRDM',
    default_url: 'https://repository.example.org',
    url_help: 'The address of the repository, as in the browser.',
    where_to_find: 'You find a token on the repository’s page, under Settings, Applications.',
    fields: [{ name: 'token', label: 'Personal access token', help: 'It is kept in this computer’s keychain.', secret: true, required: true }],
  },
];

export const account = (name: string, practice: boolean): AccountRow => ({
  name,
  service: 'nrp',
  service_title: 'NRP / InvenioRDM',
  url: practice ? 'http://127.0.0.1:4711' : 'https://repository.example.org',
  practice,
  settings: {},
  expiry: null,
});

export const record = (path: string, title: string, kind: 'draft' | 'record', files: number, bytes: number, complaints: string[] = []): ContainerRow => ({
  path,
  title,
  kind,
  writable: kind === 'draft',
  files,
  bytes,
  modified: Date.now() - 3_600_000,
  web_page: `https://repository.example.org/records/${path}`,
  complaints,
  metadata: { title },
});

export const container = (path: string, title: string, kind: string, writable: boolean, files: number | null): ContainerRow => ({ ...record(path, title, 'draft', 0, 0), kind, writable, files, bytes: null, web_page: null });

export const actions: ActionRow[] = [
  {
    name: 'edit',
    title: 'Change the metadata',
    confirmation: null,
    fields: [
      { name: 'title', label: 'Title', kind: 'text', value: 'Calibration beads, 2026 series', required: false },
      { name: 'creators', label: 'Creators, one a line: family name, given names', kind: 'long_text', value: 'Nováková, Jana\nCEITEC', required: false },
    ],
  },
  {
    name: 'add-label',
    title: 'Add a label',
    confirmation: null,
    fields: [
      { name: 'key', label: 'Label', kind: 'text', value: '', required: true },
      { name: 'value', label: 'Value', kind: 'text', value: '', required: false },
    ],
  },
  { name: 'revisions', title: 'Show revisions', confirmation: null, fields: [] },
  {
    name: 'delete',
    title: 'Delete with force',
    confirmation: 'This is the only collection with the file: it is deleted for good, in every revision.',
    fields: [{ name: 'with_revisions', label: 'All revisions too', kind: 'switch', value: '', required: false }],
  },
];

/** What a check of a file showed. */
export const checked = (account: string, { path, name, size }: FileRow, result: string): CheckRow => ({
  account,
  path,
  name,
  size,
  result,
  proof: result === 'verified' ? 'service_digest' : null,
  against: 'ledger',
  digests: { sha256: digits(name, 64), md5: null },
  problem: result === 'differs' ? problem('digest_mismatch', 'error', name, 'Send the file again.', null) : null,
});

export const file = (place: string, name: string, size: number, part: Partial<FileRow> = {}): FileRow => ({
  path: `${place}/${name}`,
  name,
  size,
  status: 'ready',
  digests: [{ algorithm: 'md5', hex: digits(name, 32) }],
  media_type: name.endsWith('.pdf') ? 'application/pdf' : name.endsWith('.csv') ? 'text/csv' : 'image/tiff',
  modified: Date.now() - 7_200_000,
  proof: 'server_digest',
  verified: true,
  metadata: {},
  ...part,
});

export function transfer(id: number, name: string, size: number, part: Partial<TransferRow> = {}): TransferRow {
  return {
    id,
    batch: 1,
    direction: 'upload',
    account: 'Lab repository',
    place: 'k3x9a-p2v41',
    name,
    local: `/data/microscope/2024-05-17/${name}`,
    size,
    sent: 0,
    state: 'waiting',
    waiting: 'turn',
    retry_at: null,
    proof: null,
    verified: false,
    digests: { sha256: null, md5: null },
    problem: null,
    attempts: 1,
    part_count: Math.max(1, Math.ceil(size / PART)),
    part_size: PART,
    created: Date.now() - 60_000,
    changed: Date.now() - 30_000,
    ...part,
  };
}

export const problem = (code: string, severity: string, message: string, next: string, button: string | null, detail: string | null = null): ProblemWords => ({
  code,
  severity,
  message,
  next,
  button,
  detail,
});

export const parts = (row: TransferRow): PartRow[] =>
  Array.from({ length: row.part_count ?? 0 }, (_, index) => ({
    number: index + 1,
    length: Math.min(PART, (row.size ?? 0) - index * PART),
    received: (index + 1) * PART <= row.sent || row.sent === row.size,
  }));

/** Plans an upload as the app would: a name with `dir` in it is a folder's, `refused` cannot be read, `huge` is a whole disk. */
export function plan(sources: readonly string[], there: readonly FileRow[], folders: FolderNames | undefined): UploadPlan {
  const name = (source: string) => source.split('/').pop() ?? source;
  const clashes = sources.flatMap((source): ClashRow[] => {
    const taken = there.find((each) => each.name === name(source));
    if (taken === undefined) return [];
    const kind = taken.status === 'pending' ? 'unfinished' : 'there';
    return [{ name: taken.name, local: source, size: kind === 'unfinished' ? 900 * MIB : source.includes('same') ? (taken.size ?? 0) : (taken.size ?? 0) + 4_096, modified: Date.now() - 600_000, kind, there: taken, same: source.includes('same') ? true : kind === 'there' ? false : null }];
  });
  const refused = sources.filter((source) => source.includes('refused'));
  const inside = sources.some((source) => source.includes('dir'));
  return {
    files: sources.some((source) => source.includes('huge')) ? 50_000 : sources.length - refused.length,
    bytes: sources.length * 300 * MIB,
    continued: 0,
    looked: true,
    clashes,
    clash_count: clashes.length,
    refused: refused.map((source) => problem('source_not_a_file', 'error', `${source} is no file: it is a device, pipe or socket.`, 'Choose files or folders.', null)),
    refused_count: refused.length,
    folders: inside ? (['keep', 'join', 'drop', 'archive'] as const).map((how) => ({ how, example: { keep: 'run 42/raw/a.tif', join: 'run 42__raw__a.tif', drop: 'a.tif', archive: 'run 42.zip' }[how], refused: 0, twice: how === 'drop' ? 12 : 0 })) : [],
    policies: ['skip', 'rename', 'replace'],
    takes_metadata: folders !== 'drop',
  };
}

/** A picture as of cells under a microscope, in the simplest format there is. */
function picture(name: string): string {
  const [width, height, head] = [160, 120, 54];
  const bytes = new Uint8Array(head + width * height * 3);
  const view = new DataView(bytes.buffer);
  const cells = Array.from({ length: 12 }, (_, at) => [1, 2, 3].map((which) => Math.abs(Math.sin((at * 3 + which) * 12.9898 + name.length) * 43758.5453) % 1));
  bytes.set([0x42, 0x4d, 0, 0, 0, 0, 0, 0, 0, 0, head, 0, 0, 0, 40]);
  [width, height].forEach((side, at) => view.setInt32(18 + at * 4, side, true));
  bytes.set([1, 0, 24], 26);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const glow = cells.reduce((sum, [cx = 0, cy = 0, size = 0]) => sum + Math.exp(-((x - cx * width) ** 2 + (y - cy * height) ** 2) / (30 + size * 160)), 0);
      bytes.set([40 + 60 * glow, 18 + 190 * glow, 10 + 40 * glow * glow].map((value) => Math.min(255, value)), head + (y * width + x) * 3);
    }
  }
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

/** A document of one page. */
const DOCUMENT = btoa(`%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R>>endobj
4 0 obj<</Length 32>>stream
0.2 0.4 0.8 rg 40 40 220 120 re f
endstream endobj
trailer<</Root 1 0 R>>`);

/** What a file of the made-up world looks like, by its ending. */
export function preview(path: string): PreviewAnswer {
  const none = { media_type: null, bytes: null, text: null, rows: [], cut: false };
  if (path.endsWith('.csv')) return { ...none, kind: 'table', rows: [['cell', 'area_um2', 'label'], ...Array.from({ length: 40 }, (_, at) => [String(at + 1), (Math.sin(at) * 20 + 140).toFixed(2), at % 3 === 0 ? 'cardiomyocyte' : 'fibroblast'])], cut: true };
  if (/\.(txt|html|svg)$/.test(path)) return { ...none, kind: 'text', text: '<script>document.title = "executed"</script>\n<img src=x onerror="document.title=1">\n' };
  if (/\.(png|jpg)$/.test(path)) return { ...none, kind: 'image', media_type: 'image/bmp', bytes: picture(path) };
  if (path.endsWith('poster.pdf')) return { ...none, kind: 'pdf', media_type: 'application/pdf', bytes: DOCUMENT };
  if (path.endsWith('.pdf')) return { ...none, kind: 'broken' };
  return { ...none, kind: path.endsWith('.czi') ? 'too_large' : 'unknown' };
}

export interface World {
  accounts: AccountRow[];
  mine: ContainerRow[];
  published: ContainerRow[];
  files: Map<string, FileRow[]>;
  /** Containers inside containers, by path. */
  inside: Map<string, ContainerRow[]>;
  transfers: TransferRow[];
  /** The order in which transfers are sent. */
  order: number[];
}

/** What the app would answer to a wish for rows. */
export function page(world: World, filter: Filter, batch: number | null, ordered: boolean, after: number | null, limit: number): TransferRow[] {
  if (filter === 'all' && batch === null && !ordered) {
    const from = after === null ? 0 : world.transfers.findIndex(({ id }) => id === after) + 1;
    return world.transfers.slice(from, from + (limit || 200));
  }
  const rows = world.transfers.filter((row) => matches(filter, row) && (batch === null || row.batch === batch));
  if (ordered) rows.sort((a, b) => world.order.indexOf(a.id) - world.order.indexOf(b.id));
  const from = after === null ? 0 : rows.findIndex(({ id }) => id === after) + 1;
  return rows.slice(from, from + (limit || 200));
}

/** The sums of what came together. */
export function batches(transfers: readonly TransferRow[]): BatchRow[] {
  const of = new Map<number, TransferRow[]>();
  for (const row of transfers) {
    const rows = of.get(row.batch);
    if (rows === undefined) of.set(row.batch, [row]);
    else rows.push(row);
  }
  return [...of].sort(([a], [b]) => b - a).flatMap(([batch, rows]): BatchRow[] => {
    const [one] = rows;
    if (one === undefined) return [];
    const count = (filter: Filter) => rows.filter((row) => matches(filter, row)).length;
    const sum = (bytes: (row: TransferRow) => number) => rows.reduce((all, row) => all + bytes(row), 0);
    const counts = { all: rows.length, active: count('active'), waiting: count('waiting'), needs_you: count('needs_you'), done: count('done') };
    const [verified, paused] = [rows.filter((row) => row.verified).length, rows.filter(({ state }) => state === 'paused').length];
    return [{ batch, created: one.created, direction: one.direction, account: one.account, place: one.place, name: one.name, counts, verified, paused, bytes: sum(({ size }) => size ?? 0), bytes_done: sum(({ sent }) => sent) }];
  });
}

/** A hundred thousand transfers, for looking at how the window bears them. */
export function longQueue(world: World): World {
  const done = { state: 'done', waiting: null, verified: true, proof: 'server_digest' };
  world.transfers = Array.from({ length: 100_000 }, (_, index) => transfer(100_000 - index, `frame_${String(100_000 - index).padStart(6, '0')}.tif`, 8 * MIB, { batch: 1 + Math.floor((99_999 - index) / 10_000), ...(index > 30_000 ? { ...done, sent: 8 * MIB } : {}) }));
  world.order = world.transfers.map(({ id }) => id).reverse();
  return world;
}

export const emptyWorld = (): World => ({ accounts: [], mine: [], published: [], files: new Map(), inside: new Map(), transfers: [], order: [] });

/** A lab in the middle of its day: every state of a file and of a transfer is somewhere in it. */
export function busyWorld(): World {
  const place = 'k3x9a-p2v41';
  const scans = Array.from({ length: 116 }, (_, index) => file(place, `scan_${String(index + 1).padStart(3, '0')}.czi`, (1700 + ((index * 37) % 300)) * MIB));
  const files = [
    file(place, 'zebrafish-heart-regeneration-48hpf-run-042-position-0007-channel-GFP.ome.tiff', 2_345 * MIB, { proof: 'part_digests' }),
    file(place, 'notes.pdf', 210 * 1024, { proof: null, verified: false }),
    file(place, 'segmentation.csv', 3_811, { proof: 'size_only', verified: false, digests: [] }),
    file(place, 'überblick – größer.tif', 48 * MIB, { proof: 'read_back' }),
    file(place, 'protocol.txt', 2_048),
    file(place, 'overview.png', 310 * 1024),
    file(place, 'poster.pdf', 91_000),
    file(place, 'heartbeat.mp4', 84 * MIB, { media_type: 'video/mp4', metadata: { duration_seconds: 12.5, frames: 3 } }),
    file(place, 'aborted_scan.czi', 0, { status: 'pending', proof: null, verified: false, digests: [], size: null }),
    ...scans,
  ];
  const done = { state: 'done', waiting: null, verified: true, proof: 'server_digest' };
  const transfers = [
    transfer(9, 'scan_121.czi', 1_843 * MIB),
    transfer(8, 'zebrafish-heart-regeneration-48hpf-run-043-position-0001-channel-mCherry.ome.tiff', 3_000 * MIB, { state: 'moving', waiting: null, sent: 40 * PART }),
    transfer(7, 'scan_120.czi', 900 * MIB, { state: 'paused', waiting: null, sent: 20 * PART }),
    transfer(6, 'scan_119.czi', 700 * MIB, { waiting: 'retry_at', retry_at: Date.now() + 40_000, sent: 10 * PART }),
    transfer(5, 'scan_118.czi', 640 * MIB, {
      state: 'failed',
      waiting: null,
      sent: 20 * PART,
      problem: problem('name_taken', 'attention', 'There is another file named scan_118.czi already.', 'Choose what shall happen: skip it, rename it, or replace what is there.', 'choose_other'),
    }),
    transfer(4, 'raw/hyperstack_final_FINAL_v3.tif', 120 * MIB, {
      state: 'failed',
      waiting: null,
      problem: problem('source_unreadable', 'error', '/data/microscope/2024-05-17/raw/hyperstack_final_FINAL_v3.tif cannot be read: Permission denied (os error 13).', 'Check the file’s permissions and its disk, then try again.', 'retry', 'Permission denied (os error 13)'),
    }),
    transfer(3, 'scan_117.czi', 64 * MIB, { batch: 2, ...done, sent: 64 * MIB, digests: { sha256: digits('scan_117', 64), md5: digits('scan_117', 32) } }),
    transfer(2, 'legacy_export.zip', 12 * MIB, { ...done, verified: false, proof: 'size_only', sent: 12 * MIB, digests: { sha256: digits('legacy', 64), md5: null } }),
    transfer(1, 'scan_001.czi', 1_700 * MIB, { ...done, direction: 'download', sent: 1_700 * MIB, local: '/home/lab/Downloads/scan_001.czi', digests: { sha256: digits('scan_001', 64), md5: null } }),
  ];
  return {
    accounts: [{ ...account('Lab repository', false), expiry: { at: Date.now() + 5 * 86_400_000, told_by: 'token', remaining: 'soon' } }, account('Practice lab', true)],
    mine: [
      record(place, 'Zebrafish heart regeneration, run 42', 'draft', files.length, 212 * 1024 * MIB),
      record('m7q2c-00d18', 'Calibration beads', 'draft', 0, 0, ['A publication date is needed before this can be published.']),
      container('mouse-atlas', 'Mouse atlas', 'project', false, null),
      record('t4f8s-81ke0', 'Cryo-EM of the ribosomal stalk: raw movies, gain references and motion-corrected averages', 'record', 1, 48 * MIB),
    ],
    inside: new Map([
      ['mouse-atlas', [container('mouse-atlas/raw', 'Raw sections', 'collection', true, 48), container('mouse-atlas/registered', 'Registered to the Allen common coordinate framework', 'collection', true, 12)]],
      ['mouse-atlas/raw', [container('mouse-atlas/raw/plate-1', 'plate-1', 'collection', true, null)]],
    ]),
    published: [record('p9d3b-77aa2', 'Light-sheet atlas of the mouse olfactory bulb', 'record', 1, 48 * MIB)],
    files: new Map([
      [place, files],
      [`${place}/heartbeat.mp4`, [1, 2, 3].map((at) => file(`${place}/heartbeat.mp4`, `frame_${at}.png`, 40_000, { status: at === 3 ? 'processing' : 'ready', proof: null, verified: false }))],
      ['t4f8s-81ke0', [file('t4f8s-81ke0', 'gain.mrc', 48 * MIB, { proof: null, verified: false })]],
      ['p9d3b-77aa2', [file('p9d3b-77aa2', 'atlas.h5', 48 * MIB, { proof: null, verified: false })]],
    ]),
    transfers,
    order: transfers.map(({ id }) => id).reverse(),
  };
}

export const watchedFile = (name: string, state: string, size: number, sentence: string | null = null): FolderFileRow => ({
  name,
  state,
  why: null,
  sentence,
  size,
  run: null,
  first_seen: Date.now() - 120_000,
  changed: Date.now() - 8_000,
  next_look: null,
  transfer: null,
  digests: { sha256: null, md5: null },
  remote: null,
  verified: state === 'done' ? Date.now() - 60_000 : null,
  put_away: null,
  put_away_due: state === 'done' ? Date.now() + 7 * 86_400_000 : null,
  stays: null,
});

export const watchedFiles: FolderFileRow[] = [
  watchedFile('2024-05-17/scan_124.czi', 'writing', 812 * MIB, 'A program has it open for writing.'),
  watchedFile('2024-05-17/scan_123.czi', 'settling', 1700 * MIB, 'It has not changed for 22 s and is sent after 63 s.'),
  watchedFile('2024-05-17/scan_122.czi', 'queued', 1690 * MIB),
  watchedFile('2024-05-17/overview.tif', 'changed', 40 * MIB, 'It changed after its upload.'),
  ...Array.from({ length: 18 }, (_, at) => watchedFile(`2024-05-17/scan_${121 - at}.czi`, 'done', (1600 - at * 7) * MIB)),
];

const noCounts = { writing: 0, settling: 0, empty: 0, ignored: 0, queued: 0, done: 0, done_lately: 0, changed: 0, failed: 0, more: false };

export const watchedFolder = (id: number, folder: string, state: string, part: Partial<FolderRow> = {}): FolderRow => ({
  id,
  rule: { ...plainRule('Lab repository', 'zf-042'), folder },
  state,
  problem: null,
  counts: noCounts,
  out_of_hours: false,
  still_growing: null,
  created: Date.now() - 86_400_000,
  looked: Date.now() - 600_000,
  next_look: Date.now() + 3_000_000,
  heard: Date.now(),
  ...part,
});

export const watchedFolders = (): FolderRow[] => [
  watchedFolder(1, '/data/microscope', 'watching', { counts: { ...noCounts, writing: 1, settling: 1, queued: 1, done: 18, done_lately: 18, changed: 1, ignored: 2 } }),
  watchedFolder(2, '/mnt/instruments/qe2/raw', 'suspended', {
    problem: problem('source_missing', 'attention', '/mnt/instruments/qe2/raw was not found.', 'Connect the disk again; nothing is inferred until the folder is back.', null, null),
  }),
];

/** One record of 100,000 files, to scroll through. */
export function largeWorld(): World {
  const [world, place] = [busyWorld(), 'k3x9a-p2v41'];
  world.files.set(place, Array.from({ length: 100_000 }, (_, at) => file(place, `plate_${Math.floor(at / 384)}_well_${String(at % 384).padStart(3, '0')}.tiff`, (at % 977) * 4096)));
  return world;
}
