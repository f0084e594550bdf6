// Generated from the command table in app/src/wire/commands.rs by `make bindings`. Do not edit.
import type { AccountRequest } from "./AccountRequest";
import type { AccountRow } from "./AccountRow";
import type { ActionAnswer } from "./ActionAnswer";
import type { ActionFieldRow } from "./ActionFieldRow";
import type { ActionRow } from "./ActionRow";
import type { AddAccount } from "./AddAccount";
import type { AddCopy } from "./AddCopy";
import type { AddDownloads } from "./AddDownloads";
import type { AddUploads } from "./AddUploads";
import type { AnswerFolderFiles } from "./AnswerFolderFiles";
import type { AppEvent } from "./AppEvent";
import type { AppState } from "./AppState";
import type { BatchRow } from "./BatchRow";
import type { CapabilitiesRow } from "./CapabilitiesRow";
import type { Changed } from "./Changed";
import type { CheckLedger } from "./CheckLedger";
import type { CheckPlace } from "./CheckPlace";
import type { CheckRow } from "./CheckRow";
import type { CheckedLedger } from "./CheckedLedger";
import type { ClashRow } from "./ClashRow";
import type { ContainerRow } from "./ContainerRow";
import type { CopyFileRow } from "./CopyFileRow";
import type { CopyFiles } from "./CopyFiles";
import type { CopyRow } from "./CopyRow";
import type { CopySelection } from "./CopySelection";
import type { DigestRow } from "./DigestRow";
import type { DigestsRow } from "./DigestsRow";
import type { EditFolder } from "./EditFolder";
import type { EditRecord } from "./EditRecord";
import type { Empty } from "./Empty";
import type { EntryRow } from "./EntryRow";
import type { EventList } from "./EventList";
import type { EventsSince } from "./EventsSince";
import type { ExpiryRow } from "./ExpiryRow";
import type { ExportReceipts } from "./ExportReceipts";
import type { ExportedReceipts } from "./ExportedReceipts";
import type { FieldRow } from "./FieldRow";
import type { FileRow } from "./FileRow";
import type { FolderCheck } from "./FolderCheck";
import type { FolderChoiceRow } from "./FolderChoiceRow";
import type { FolderCounts } from "./FolderCounts";
import type { FolderFileRow } from "./FolderFileRow";
import type { FolderFiles } from "./FolderFiles";
import type { FolderNames } from "./FolderNames";
import type { FolderRow } from "./FolderRow";
import type { FolderRule } from "./FolderRule";
import type { FolderSelection } from "./FolderSelection";
import type { HoursRow } from "./HoursRow";
import type { ImportLink } from "./ImportLink";
import type { KeepFile } from "./KeepFile";
import type { KeptFile } from "./KeptFile";
import type { LeftoverRow } from "./LeftoverRow";
import type { LinkAnswer } from "./LinkAnswer";
import type { ListBatches } from "./ListBatches";
import type { ListCopyFiles } from "./ListCopyFiles";
import type { ListFolderFiles } from "./ListFolderFiles";
import type { ListPlace } from "./ListPlace";
import type { ListReceipts } from "./ListReceipts";
import type { ListTransfers } from "./ListTransfers";
import type { LockPassword } from "./LockPassword";
import type { LockRow } from "./LockRow";
import type { MoveTransfer } from "./MoveTransfer";
import type { Offer } from "./Offer";
import type { OnMetered } from "./OnMetered";
import type { PageAnswer } from "./PageAnswer";
import type { PartRow } from "./PartRow";
import type { PlaceAnswer } from "./PlaceAnswer";
import type { PlaceRequest } from "./PlaceRequest";
import type { PlacesRequest } from "./PlacesRequest";
import type { PreferencesRow } from "./PreferencesRow";
import type { PreviewAnswer } from "./PreviewAnswer";
import type { PreviewFile } from "./PreviewFile";
import type { PreviewKind } from "./PreviewKind";
import type { ProblemFacts } from "./ProblemFacts";
import type { ProblemWords } from "./ProblemWords";
import type { ProgressSample } from "./ProgressSample";
import type { QueueCounts } from "./QueueCounts";
import type { Queued } from "./Queued";
import type { ReceiptRow } from "./ReceiptRow";
import type { Renamed } from "./Renamed";
import type { RetryCopies } from "./RetryCopies";
import type { RunAction } from "./RunAction";
import type { ServiceRow } from "./ServiceRow";
import type { SetExpiry } from "./SetExpiry";
import type { SetLanguage } from "./SetLanguage";
import type { SetLock } from "./SetLock";
import type { SettingsRow } from "./SettingsRow";
import type { SidecarRule } from "./SidecarRule";
import type { SignInAnswer } from "./SignInAnswer";
import type { TransferDetail } from "./TransferDetail";
import type { TransferList } from "./TransferList";
import type { TransferRequest } from "./TransferRequest";
import type { TransferRow } from "./TransferRow";
import type { TransferSelection } from "./TransferSelection";
import type { UploadPlan } from "./UploadPlan";

export type { AccountRequest, AccountRow, ActionAnswer, ActionFieldRow, ActionRow, AddAccount, AddCopy, AddDownloads, AddUploads, AnswerFolderFiles, AppEvent, AppState, BatchRow, CapabilitiesRow, Changed, CheckLedger, CheckPlace, CheckRow, CheckedLedger, ClashRow, ContainerRow, CopyFileRow, CopyFiles, CopyRow, CopySelection, DigestRow, DigestsRow, EditFolder, EditRecord, Empty, EntryRow, EventList, EventsSince, ExpiryRow, ExportReceipts, ExportedReceipts, FieldRow, FileRow, FolderCheck, FolderChoiceRow, FolderCounts, FolderFileRow, FolderFiles, FolderNames, FolderRow, FolderRule, FolderSelection, HoursRow, ImportLink, KeepFile, KeptFile, LeftoverRow, LinkAnswer, ListBatches, ListCopyFiles, ListFolderFiles, ListPlace, ListReceipts, ListTransfers, LockPassword, LockRow, MoveTransfer, Offer, OnMetered, PageAnswer, PartRow, PlaceAnswer, PlaceRequest, PlacesRequest, PreferencesRow, PreviewAnswer, PreviewFile, PreviewKind, ProblemFacts, ProblemWords, ProgressSample, QueueCounts, Queued, ReceiptRow, Renamed, RetryCopies, RunAction, ServiceRow, SetExpiry, SetLanguage, SetLock, SettingsRow, SidecarRule, SignInAnswer, TransferDetail, TransferList, TransferRequest, TransferRow, TransferSelection, UploadPlan };

/** Every command a front end may give: its request and its answer. */
export type Commands = {
  "app.state": { request: Empty; answer: AppState };
  "accounts.services": { request: Empty; answer: Array<ServiceRow> };
  "accounts.list": { request: Empty; answer: Array<AccountRow> };
  "accounts.add": { request: AddAccount; answer: AccountRow };
  "accounts.test": { request: AccountRequest; answer: SignInAnswer };
  "accounts.capabilities": { request: AccountRequest; answer: CapabilitiesRow };
  "accounts.expiry": { request: SetExpiry; answer: AccountRow };
  "accounts.remove": { request: AccountRequest; answer: Changed };
  "practice_lab.start": { request: Empty; answer: Array<AccountRow> };
  "browse.list": { request: ListPlace; answer: PageAnswer };
  "browse.show": { request: PlaceRequest; answer: EntryRow };
  "browse.processed": { request: PlaceRequest; answer: EntryRow };
  "browse.leftovers": { request: PlaceRequest; answer: Array<LeftoverRow> };
  "browse.clear_leftovers": { request: PlacesRequest; answer: Changed };
  "files.preview": { request: PreviewFile; answer: PreviewAnswer };
  "records.create": { request: EditRecord; answer: ContainerRow };
  "records.edit": { request: EditRecord; answer: ContainerRow };
  "records.publish": { request: PlaceRequest; answer: ContainerRow };
  "records.version": { request: PlaceRequest; answer: ContainerRow };
  "places.remove": { request: PlacesRequest; answer: Changed };
  "places.link": { request: PlaceRequest; answer: LinkAnswer };
  "actions.list": { request: PlaceRequest; answer: Array<ActionRow> };
  "actions.run": { request: RunAction; answer: ActionAnswer };
  "uploads.plan": { request: AddUploads; answer: UploadPlan };
  "uploads.keep": { request: KeepFile; answer: KeptFile };
  "uploads.add": { request: AddUploads; answer: Queued };
  "offers.take": { request: Empty; answer: Offer };
  "uploads.import": { request: ImportLink; answer: PlaceAnswer };
  "downloads.add": { request: AddDownloads; answer: Queued };
  "copies.add": { request: AddCopy; answer: CopyRow };
  "copies.list": { request: Empty; answer: Array<CopyRow> };
  "copies.files": { request: ListCopyFiles; answer: CopyFiles };
  "copies.stop": { request: CopySelection; answer: Changed };
  "copies.retry": { request: RetryCopies; answer: Changed };
  "copies.forget": { request: CopySelection; answer: Changed };
  "transfers.list": { request: ListTransfers; answer: TransferList };
  "transfers.batches": { request: ListBatches; answer: Array<BatchRow> };
  "transfers.show": { request: TransferRequest; answer: TransferDetail };
  "transfers.pause": { request: TransferSelection; answer: Changed };
  "transfers.resume": { request: TransferSelection; answer: Changed };
  "transfers.cancel": { request: TransferSelection; answer: Changed };
  "transfers.retry": { request: TransferSelection; answer: Changed };
  "transfers.move": { request: MoveTransfer; answer: Changed };
  "transfers.clear": { request: TransferSelection; answer: Changed };
  "events.since": { request: EventsSince; answer: EventList };
  "checks.run": { request: CheckPlace; answer: Array<CheckRow> };
  "checks.ledger": { request: CheckLedger; answer: CheckedLedger };
  "folders.list": { request: Empty; answer: Array<FolderRow> };
  "folders.check": { request: FolderRule; answer: FolderCheck };
  "folders.add": { request: FolderRule; answer: FolderRow };
  "folders.edit": { request: EditFolder; answer: FolderRow };
  "folders.pause": { request: FolderSelection; answer: Changed };
  "folders.resume": { request: FolderSelection; answer: Changed };
  "folders.remove": { request: FolderSelection; answer: Changed };
  "folders.files": { request: ListFolderFiles; answer: FolderFiles };
  "folders.answer": { request: AnswerFolderFiles; answer: Changed };
  "settings.show": { request: Empty; answer: SettingsRow };
  "settings.change": { request: SettingsRow; answer: SettingsRow };
  "preferences.show": { request: Empty; answer: PreferencesRow };
  "preferences.change": { request: PreferencesRow; answer: PreferencesRow };
  "lock.show": { request: Empty; answer: LockRow };
  "lock.open": { request: LockPassword; answer: LockRow };
  "lock.close": { request: Empty; answer: LockRow };
  "lock.set": { request: SetLock; answer: LockRow };
  "lock.remove": { request: LockPassword; answer: LockRow };
  "preferences.language": { request: SetLanguage; answer: PreferencesRow };
  "receipts.list": { request: ListReceipts; answer: Array<ReceiptRow> };
  "receipts.export": { request: ExportReceipts; answer: ExportedReceipts };
};

/** The name of a command. */
export type CommandName = keyof Commands;

/** The names, in the table's order. */
export const commandNames: readonly CommandName[] = [
  "app.state",
  "accounts.services",
  "accounts.list",
  "accounts.add",
  "accounts.test",
  "accounts.capabilities",
  "accounts.expiry",
  "accounts.remove",
  "practice_lab.start",
  "browse.list",
  "browse.show",
  "browse.processed",
  "browse.leftovers",
  "browse.clear_leftovers",
  "files.preview",
  "records.create",
  "records.edit",
  "records.publish",
  "records.version",
  "places.remove",
  "places.link",
  "actions.list",
  "actions.run",
  "uploads.plan",
  "uploads.keep",
  "uploads.add",
  "offers.take",
  "uploads.import",
  "downloads.add",
  "copies.add",
  "copies.list",
  "copies.files",
  "copies.stop",
  "copies.retry",
  "copies.forget",
  "transfers.list",
  "transfers.batches",
  "transfers.show",
  "transfers.pause",
  "transfers.resume",
  "transfers.cancel",
  "transfers.retry",
  "transfers.move",
  "transfers.clear",
  "events.since",
  "checks.run",
  "checks.ledger",
  "folders.list",
  "folders.check",
  "folders.add",
  "folders.edit",
  "folders.pause",
  "folders.resume",
  "folders.remove",
  "folders.files",
  "folders.answer",
  "settings.show",
  "settings.change",
  "preferences.show",
  "preferences.change",
  "lock.show",
  "lock.open",
  "lock.close",
  "lock.set",
  "lock.remove",
  "preferences.language",
  "receipts.list",
  "receipts.export",
];

/** Every code of a problem that the app has words for. */
export type ProblemCode =
  | "source_missing"
  | "source_unreadable"
  | "source_not_a_file"
  | "source_changed"
  | "name_refused"
  | "name_taken"
  | "file_too_large"
  | "empty_file_refused"
  | "quota_exceeded"
  | "too_many_files"
  | "sign_in_needed"
  | "not_allowed"
  | "not_found"
  | "record_locked"
  | "pending_file"
  | "service_refused"
  | "service_failed"
  | "rate_limited"
  | "unreachable"
  | "connection_lost"
  | "not_secure"
  | "not_the_service"
  | "bad_answer"
  | "upload_lost"
  | "digest_mismatch"
  | "size_mismatch"
  | "digest_unavailable"
  | "disk_full"
  | "folder_not_writable"
  | "destination_exists"
  | "folder_missing"
  | "folder_unreadable"
  | "folder_replaced"
  | "folder_emptied"
  | "folder_on_network"
  | "folder_too_many"
  | "folder_silent"
  | "folder_crowded"
  | "data_folder_busy"
  | "database_newer"
  | "database_failed"
  | "vault_locked"
  | "vault_failed"
  | "settings_locked"
  | "wrong_password"
  | "unsupported"
  | "invalid_request"
  | "internal";
