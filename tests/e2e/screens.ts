import { expect, type Page } from '@playwright/test';

/** Something the window can show, in the made-up world. */
export interface Screen {
  name: string;
  /** Files of `ui/src/features` that are on screen then. A file with two dialogs is named by two screens. */
  shows: string[];
  world?: 'still' | 'empty' | 'error' | 'interrupted' | 'offered' | 'locked' | 'copies';
  open: (page: Page) => Promise<void>;
}

const dialog = (page: Page) => page.getByRole('dialog');
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click();

async function record(page: Page, title = 'Zebrafish'): Promise<void> {
  await page.getByTestId('record').filter({ hasText: title }).click();
  await page.getByTestId('about-record').waitFor();
}

async function file(page: Page, name: string): Promise<void> {
  await record(page);
  await page.keyboard.press('Control+j');
  await page.getByTestId('file-filter').fill(name);
  await page.getByTestId('file-row').click();
  await page.getByTestId('file-details').waitFor();
}

const preview = (name: string, kind: string) => async (page: Page) => {
  await file(page, name);
  await expect(page.getByTestId('preview')).toHaveAttribute('data-kind', kind);
};

async function drop(page: Page, names: string[]): Promise<void> {
  const files = await page.evaluateHandle((given) => {
    const held = new DataTransfer();
    for (const name of given) held.items.add(new File(['x'], name));
    return held;
  }, names);
  await page.getByTestId('drop-zone').dispatchEvent('drop', { dataTransfer: files });
}

async function folders(page: Page): Promise<void> {
  await page.getByTestId('folders').click();
  await page.getByTestId('folder-file').first().waitFor();
}

async function rule(page: Page): Promise<void> {
  await folders(page);
  await page.getByTestId('watch-folder').click();
  await page.getByTestId('rule-folder').fill('/data/microscope');
  await page.getByText('More settings').click();
}

async function action(page: Page, title: string): Promise<void> {
  await record(page, 'Mouse atlas');
  await page.getByTestId('actions').click();
  await page.getByTestId('action').filter({ hasText: title }).click();
}

/** The details of the transfer of that name. */
const transfer = (name: string) => async (page: Page) => {
  await page.getByTestId('transfer-row').filter({ hasText: name }).first().click();
  await expect(page.getByTestId('transfer-details').getByRole('heading')).toContainText(name);
};

const bars = ['accounts/SideBar', 'browse/Records', 'transfers/Drawer', 'transfers/QueueList', 'transfers/TransferLine', 'transfers/TransferDetails'];
const place = ['browse/RecordView', 'browse/RecordHeader', 'browse/FilesBar', 'browse/FileList'];

/** Every screen there is. `tests/screens.spec.ts` fails when a component of `ui/src/features` is in none. */
export const screens: Screen[] = [
  { name: 'first start', shows: ['accounts/Welcome'], world: 'empty', open: (page) => page.getByTestId('connect').waitFor() },
  { name: 'no record chosen', shows: bars, open: (page) => page.getByTestId('record').first().waitFor() },
  { name: 'a service that cannot be reached', shows: [], world: 'error', open: (page) => page.getByTestId('problem').first().waitFor() },
  { name: 'an account is added', shows: ['accounts/AddAccount'], open: async (page) => (await press(page, 'Add account'), await press(page, 'Connect'), page.getByText('This is needed.').first().waitFor()) },
  { name: 'an account that does not work', shows: ['accounts/AccountDetails', 'accounts/SignInUntil', 'accounts/TestSteps'], open: async (page) => (await page.getByTestId('account-details').click(), await page.getByTestId('account-test').click(), dialog(page).getByTestId('test-steps').waitFor()) },
  { name: 'an account is removed', shows: ['accounts/SideBar'], open: async (page) => (await page.getByTestId('account-details').click(), await press(page, 'Remove account'), page.getByText('the sign-in kept here is deleted').waitFor()) },
  { name: 'published records', shows: ['browse/Records'], open: async (page) => (await page.getByText('Published', { exact: true }).first().click(), page.getByText('Light-sheet atlas').waitFor()) },
  { name: 'no record found', shows: [], open: async (page) => (await page.getByTestId('record-search').fill('nothing has this name'), page.getByText('No record matches').waitFor()) },
  { name: 'a draft and its files', shows: place, open: (page) => record(page) },
  { name: 'a draft that cannot be published yet', shows: [], open: (page) => record(page, 'Calibration beads') },
  { name: 'a published record', shows: [], open: (page) => record(page, 'Cryo-EM') },
  { name: 'a project and what is inside', shows: ['browse/Containers'], open: async (page) => (await record(page, 'Mouse atlas'), await page.getByTestId('container').first().click(), page.getByTestId('trail').getByText('Raw sections').waitFor()) },
  { name: 'files as cards', shows: ['browse/FileCard', 'browse/preview/Thumbnail'], open: async (page) => (await record(page), await page.keyboard.press('Control+j'), await page.getByTestId('file-view').click(), page.getByTestId('file-row').first().waitFor()) },
  { name: 'selected files', shows: [], open: async (page) => (await record(page), await page.getByTestId('file-row').filter({ hasText: 'GFP' }).click(), await page.getByTestId('file-row').filter({ hasText: 'notes.pdf' }).click({ modifiers: ['Control'] }), page.getByRole('button', { name: /^Download \d/ }).waitFor()) },
  { name: 'no file found', shows: [], open: async (page) => (await record(page), await page.getByTestId('file-filter').fill('nothing has this name'), page.getByText('No file name contains').waitFor()) },
  { name: 'a table’s preview', shows: ['browse/FileDetails', 'browse/preview/Preview'], open: preview('segmentation', 'table') },
  { name: 'a text’s preview', shows: ['browse/preview/Preview'], open: preview('protocol.txt', 'text') },
  { name: 'a picture’s preview', shows: ['browse/preview/Preview'], open: preview('overview.png', 'image') },
  { name: 'a document’s preview', shows: ['browse/preview/PdfPage'], open: preview('poster.pdf', 'pdf') },
  { name: 'a broken file’s preview', shows: [], open: preview('notes.pdf', 'broken') },
  { name: 'an upload begun and left', shows: [], open: (page) => file(page, 'aborted_scan') },
  { name: 'a film and its frames', shows: ['browse/Frames', 'browse/AnswerDetails'], open: async (page) => (await file(page, 'heartbeat.mp4'), await page.getByTestId('frames').waitFor(), page.getByTestId('file-details').getByText('Metadata', { exact: true }).click()) },
  { name: 'a file is deleted', shows: ['browse/RemoveFiles'], open: async (page) => (await file(page, 'notes.pdf'), await press(page, 'Delete…'), dialog(page).waitFor()) },
  { name: 'several files are deleted', shows: ['browse/RemoveFiles'], open: async (page) => (await record(page), await page.getByTestId('file-row').first().click(), await page.keyboard.press('Shift+End'), await page.getByTestId('remove-selected').click(), dialog(page).waitFor()) },
  { name: 'a draft is deleted', shows: ['browse/RecordDetails'], open: async (page) => (await record(page), await page.getByTestId('about-record').click(), await page.getByTestId('remove-draft').click(), dialog(page).waitFor()) },
  { name: 'all files are checked', shows: ['browse/CheckFiles'], open: async (page) => (await record(page), await page.getByTestId('about-record').click(), await page.getByTestId('check-all').click(), page.getByTestId('checked').waitFor()) },
  { name: 'a draft’s metadata is changed', shows: ['browse/ActionForm'], open: async (page) => (await record(page, 'Calibration beads'), await page.getByTestId('action-edit').click(), page.getByTestId('field-creators').waitFor()) },
  { name: 'about a record', shows: ['browse/RecordDetails', 'browse/AnswerDetails'], open: async (page) => (await record(page), await page.getByTestId('about-record').click(), page.getByTestId('record-details').waitFor()) },
  { name: 'a draft is published', shows: ['browse/RecordHeader'], open: async (page) => (await record(page), await press(page, 'Publish…'), dialog(page).waitFor()) },
  { name: 'a draft is made', shows: ['browse/NewDraft'], open: async (page) => (await page.getByTestId('new-draft').click(), await page.getByTestId('draft-create').click(), page.getByText('This is needed.').waitFor()) },
  { name: 'files are uploaded', shows: ['browse/UploadDialog'], open: async (page) => (await record(page), await page.getByTestId('upload-button').click(), await page.getByTestId('choose-files').click(), page.getByTestId('chosen').first().waitFor()) },
  { name: 'a link is uploaded', shows: ['browse/UploadDialog'], open: async (page) => (await record(page), await page.getByTestId('upload-button').click(), await page.getByText('Behind a link').click(), await page.getByTestId('upload-link').fill('ftp://nowhere'), await page.getByTestId('upload-link-start').click(), page.getByText('A link begins with').waitFor()) },
  { name: 'files are downloaded', shows: ['browse/DownloadDialog'], open: async (page) => (await record(page), await page.getByTestId('download-button').click(), dialog(page).waitFor()) },
  { name: 'files are copied', shows: ['browse/CopyDialog', 'browse/PlacePicker'], open: async (page) => (await record(page), await page.getByTestId('copy-files').click(), page.getByTestId('copy-place').first().waitFor()) },
  { name: 'files are copied into a place inside another', shows: ['browse/PlacePicker'], open: async (page) => (await record(page), await page.getByTestId('copy-files').click(), await page.getByTestId('copy-place').filter({ hasText: 'Mouse atlas' }).click(), await page.getByTestId('copy-place').first().click(), page.getByText('The files go to').waitFor()) },
  { name: 'copies', shows: ['transfers/Copies', 'transfers/CopyLine'], world: 'copies', open: async (page) => (await page.getByTestId('copy').nth(1).getByText('Files that need you').click(), page.getByText('scan_118.czi').first().waitFor()) },
  { name: 'copies in the whole window', shows: ['transfers/Copies'], world: 'copies', open: async (page) => (await page.keyboard.press('Control+Shift+J'), page.getByTestId('copy').nth(3).waitFor()) },
  { name: 'a service’s own actions', shows: ['browse/Actions'], open: async (page) => (await record(page, 'Mouse atlas'), await page.getByTestId('actions').click(), page.getByTestId('action').first().waitFor()) },
  { name: 'an action with fields', shows: ['browse/ActionForm'], open: async (page) => (await action(page, 'Add a label'), await page.getByTestId('action-run').click(), page.getByText('This is needed.').waitFor()) },
  { name: 'an action that asks first', shows: ['browse/ActionForm'], open: (page) => action(page, 'Delete with force') },
  { name: 'before an upload', shows: ['transfers/Preflight', 'transfers/ClashTable', 'transfers/MetadataFields'], open: async (page) => (await record(page), await drop(page, ['scan_001.czi', 'scan_002.czi', 'aborted_scan.czi', 'refused.dev', 'dir']), await page.getByTestId('preflight-send').waitFor(), await page.getByTestId('batch-metadata').locator('summary').click(), press(page, 'Add a field')) },
  { name: 'a transfer under way', shows: ['transfers/TransferDetails'], open: transfer('zebrafish-heart') },
  { name: 'a transfer that failed', shows: ['transfers/TransferDetails'], open: transfer('hyperstack') },
  { name: 'a transfer that is proven', shows: ['transfers/TransferDetails'], open: async (page) => (await page.getByRole('radio', { name: /^Done/ }).press('Space'), transfer('scan_117')(page)) },
  { name: 'transfers in the whole window', shows: ['transfers/LimitControl'], open: async (page) => (await page.keyboard.press('Control+Shift+J'), page.getByTestId('limit').waitFor()) },
  { name: 'those that wait', shows: [], open: async (page) => (await page.keyboard.press('Control+Shift+J'), await page.getByRole('radio', { name: /^Waiting/ }).press('Space'), page.getByText('Earlier').waitFor()) },
  { name: 'transfers by batch', shows: ['transfers/Batches', 'transfers/BatchOrders'], open: async (page) => (await page.keyboard.press('Control+Shift+J'), await page.getByText('By batch').click(), await page.getByTestId('unfold').first().click(), page.getByTestId('transfer-row').first().waitFor()) },
  { name: 'after an interruption', shows: ['transfers/Notes'], world: 'interrupted', open: (page) => page.getByTestId('interrupted').waitFor() },
  { name: 'what was interrupted is discarded', shows: ['transfers/Notes'], world: 'interrupted', open: async (page) => (await press(page, 'Discard…'), dialog(page).waitFor()) },
  { name: 'a cancel that can be undone', shows: [], open: async (page) => (await transfer('scan_120')(page), await page.getByTestId('cancel').click(), page.getByTestId('undo').waitFor()) },
  { name: 'watched folders', shows: ['folders/Folders', 'folders/FolderDetails'], open: folders },
  { name: 'a watched folder that was suspended', shows: [], open: async (page) => (await folders(page), await page.getByTestId('folder').nth(1).click(), dialog(page).getByTestId('problem').first().waitFor()) },
  { name: 'a folder is watched no more', shows: ['folders/FolderDetails'], open: async (page) => (await folders(page), await page.getByTestId('folder-remove').click(), page.getByText('Nothing is deleted').waitFor()) },
  { name: 'a rule for a folder', shows: ['folders/RuleForm', 'folders/AfterProof', 'folders/RuleDetails'], open: rule },
  { name: 'what a rule would do', shows: ['folders/RuleForm'], open: async (page) => (await rule(page), await page.getByTestId('rule-go').click(), page.getByTestId('would-leave').waitFor()) },
  { name: 'receipts', shows: ['history/Receipts'], open: async (page) => (await page.getByTestId('receipts').click(), page.getByTestId('receipt').first().waitFor()) },
  { name: 'settings', shows: ['settings/Settings', 'settings/Hours', 'settings/OnDesktop', 'settings/LockState'], open: async (page) => (await page.getByTestId('settings').click(), await page.getByTestId('add-hours').click(), page.getByTestId('hours').first().waitFor()) },
  { name: 'settings get a lock', shows: ['settings/SetLock'], open: async (page) => (await page.getByTestId('settings').click(), await page.getByTestId('lock-change').click(), page.getByTestId('lock-again').waitFor()) },
  { name: 'locked settings', shows: ['settings/Unlock'], world: 'locked', open: async (page) => (await page.getByTestId('settings').click(), await page.getByTestId('bandwidth').fill('5'), await page.getByTestId('settings-save').click(), page.getByTestId('unlock-password').waitFor()) },
  { name: 'files from another program', shows: ['transfers/Offered'], world: 'offered', open: async (page) => (await record(page), page.getByTestId('offered-send').waitFor()) },
  { name: 'settings that are wrong', shows: [], open: async (page) => (await page.getByTestId('settings').click(), await page.getByTestId('bandwidth').fill('nonsense'), await page.getByTestId('settings-save').click(), page.getByText('Write a number above zero').waitFor()) },
  { name: 'the list of keys', shows: ['help/Shortcuts'], open: async (page) => (await page.getByTestId('record').first().waitFor(), await page.keyboard.press('F1'), page.getByTestId('shortcuts').waitFor()) },
];

/** Opens a screen in a fresh window. */
export async function show(page: Page, { world = 'still', open }: Screen): Promise<void> {
  await page.goto(`http://localhost/?fake=${world}`);
  // Before that nobody listens to keys.
  await page.getByTestId(world === 'empty' ? 'connect' : 'record-search').waitFor();
  await open(page);
}
