//! The command table: name, request, answer. Front ends send `{"command": NAME, "request": {…}}` and get the answer or
//! `ProblemWords`.

/// Calls `$with!` with the whole table, so that the dispatcher, the TypeScript types and the documentation come from
/// one list.
#[macro_export]
macro_rules! command_table {
    ($with:ident) => {
        $with! {
            "app.state"             app_state(Empty) -> AppState;
            "accounts.services"     account_services(Empty) -> Vec<ServiceRow>;
            "accounts.list"         account_list(Empty) -> Vec<AccountRow>;
            "accounts.add"          account_add(AddAccount) -> AccountRow;
            "accounts.test"         account_test(AccountRequest) -> SignInAnswer;
            "accounts.capabilities" account_capabilities(AccountRequest) -> CapabilitiesRow;
            "accounts.expiry"       account_expiry(SetExpiry) -> AccountRow;
            "accounts.remove"       account_remove(AccountRequest) -> Changed;
            "practice_lab.start"    practice_lab_start(Empty) -> Vec<AccountRow>;
            "browse.list"           browse_list(ListPlace) -> PageAnswer;
            "browse.show"           browse_show(PlaceRequest) -> EntryRow;
            "browse.processed"      browse_processed(PlaceRequest) -> EntryRow;
            "browse.leftovers"      browse_leftovers(PlaceRequest) -> Vec<LeftoverRow>;
            "browse.clear_leftovers" browse_clear_leftovers(PlacesRequest) -> Changed;
            "files.preview"         files_preview(PreviewFile) -> PreviewAnswer;
            "records.create"        record_create(EditRecord) -> ContainerRow;
            "records.edit"          record_edit(EditRecord) -> ContainerRow;
            "records.publish"       record_publish(PlaceRequest) -> ContainerRow;
            "records.version"       record_version(PlaceRequest) -> ContainerRow;
            "places.remove"         places_remove(PlacesRequest) -> Changed;
            "places.link"           places_link(PlaceRequest) -> LinkAnswer;
            "actions.list"          actions_list(PlaceRequest) -> Vec<ActionRow>;
            "actions.run"           actions_run(RunAction) -> ActionAnswer;
            "uploads.plan"          uploads_plan(AddUploads) -> UploadPlan;
            "uploads.keep"          uploads_keep(KeepFile) -> KeptFile;
            "uploads.add"           uploads_add(AddUploads) -> Queued;
            "offers.take"           offers_take(Empty) -> Offer;
            "uploads.import"        import_link(ImportLink) -> PlaceAnswer;
            "downloads.add"         downloads_add(AddDownloads) -> Queued;
            "copies.add"            copies_add(AddCopy) -> CopyRow;
            "copies.list"           copies_list(Empty) -> Vec<CopyRow>;
            "copies.files"          copies_files(ListCopyFiles) -> CopyFiles;
            "copies.stop"           copies_stop(CopySelection) -> Changed;
            "copies.retry"          copies_retry(RetryCopies) -> Changed;
            "copies.forget"         copies_forget(CopySelection) -> Changed;
            "transfers.list"        transfers_list(ListTransfers) -> TransferList;
            "transfers.batches"     transfers_batches(ListBatches) -> Vec<BatchRow>;
            "transfers.show"        transfers_show(TransferRequest) -> TransferDetail;
            "transfers.pause"       transfers_pause(TransferSelection) -> Changed;
            "transfers.resume"      transfers_resume(TransferSelection) -> Changed;
            "transfers.cancel"      transfers_cancel(TransferSelection) -> Changed;
            "transfers.retry"       transfers_retry(TransferSelection) -> Changed;
            "transfers.move"        transfers_move(MoveTransfer) -> Changed;
            "transfers.clear"       transfers_clear(TransferSelection) -> Changed;
            "events.since"          events_since(EventsSince) -> EventList;
            "checks.run"            checks_run(CheckPlace) -> Vec<CheckRow>;
            "checks.ledger"         checks_ledger(CheckLedger) -> CheckedLedger;
            "folders.list"          folders_list(Empty) -> Vec<FolderRow>;
            "folders.check"         folders_check(FolderRule) -> FolderCheck;
            "folders.add"           folders_add(FolderRule) -> FolderRow;
            "folders.edit"          folders_edit(EditFolder) -> FolderRow;
            "folders.pause"         folders_pause(FolderSelection) -> Changed;
            "folders.resume"        folders_resume(FolderSelection) -> Changed;
            "folders.remove"        folders_remove(FolderSelection) -> Changed;
            "folders.files"         folders_files(ListFolderFiles) -> FolderFiles;
            "folders.answer"        folders_answer(AnswerFolderFiles) -> Changed;
            "settings.show"         settings_show(Empty) -> SettingsRow;
            "settings.change"       settings_change(SettingsRow) -> SettingsRow;
            "preferences.show"      preferences_show(Empty) -> PreferencesRow;
            "preferences.change"    preferences_change(PreferencesRow) -> PreferencesRow;
            "lock.show"             lock_show(Empty) -> LockRow;
            "lock.open"             lock_open(LockPassword) -> LockRow;
            "lock.close"            lock_close(Empty) -> LockRow;
            "lock.set"              lock_set(SetLock) -> LockRow;
            "lock.remove"           lock_remove(LockPassword) -> LockRow;
            "preferences.language"  preferences_language(SetLanguage) -> PreferencesRow;
            "receipts.list"         receipts_list(ListReceipts) -> Vec<ReceiptRow>;
            "receipts.export"       receipts_export(ExportReceipts) -> ExportedReceipts;
        }
    };
}
