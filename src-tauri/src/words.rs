//! What the shell itself says, outside the window: the tray and the system's notices, in the window's three languages. A
//! sentence is a function over the language, so that one that lacks a language does not compile (adr/0007).

use labferry_app::wire::answers::{BatchRow, QueueCounts};

/// The languages of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    English,
    Czech,
    Chinese,
}

use Language::{Chinese, Czech, English};

impl Language {
    /// The language of a tag the window uses; English for any other.
    pub(crate) fn of(tag: &str) -> Self {
        match tag {
            "cs" => Czech,
            "zh-Hans" => Chinese,
            _ => English,
        }
    }

    pub(crate) fn open(self) -> &'static str {
        match self {
            English => "Open Labferry",
            Czech => "Otevřít Labferry",
            Chinese => "打开 Labferry",
        }
    }

    pub(crate) fn quit(self) -> &'static str {
        match self {
            English => "Quit",
            Czech => "Ukončit",
            Chinese => "退出",
        }
    }

    pub(crate) fn not_opened(self) -> &'static str {
        match self {
            English => "Labferry could not open its data",
            Czech => "Labferry nemohl otevřít svá data",
            Chinese => "Labferry 无法打开其数据",
        }
    }

    /// How the queue stands.
    pub(crate) fn queue(self, counts: &QueueCounts) -> String {
        let QueueCounts { active, waiting, needs_you, .. } = *counts;
        let said: Vec<String> = [
            (active, self.in_hand(active)),
            (waiting, self.waiting(waiting)),
            (needs_you, self.needs(needs_you)),
        ]
        .into_iter()
        .filter_map(|(number, words)| (number > 0).then_some(words))
        .collect();
        if !said.is_empty() {
            return said.join(self.comma());
        }
        match self {
            English => "nothing to do",
            Czech => "žádné přenosy",
            Chinese => "没有传输",
        }
        .to_owned()
    }

    fn in_hand(self, number: u64) -> String {
        match self {
            English => format!("{number} in hand"),
            Czech => format!("probíhá: {number}"),
            Chinese => format!("{number} 个进行中"),
        }
    }

    fn waiting(self, number: u64) -> String {
        match self {
            English => format!("{number} waiting"),
            Czech => format!("čeká: {number}"),
            Chinese => format!("{number} 个等待"),
        }
    }

    /// That many wait for a person.
    pub(crate) fn needs(self, number: u64) -> String {
        match (self, number) {
            (English, 1) => "1 needs you".to_owned(),
            (English, _) => format!("{number} need you"),
            (Czech, 2..=4) => format!("{number} vás potřebují"),
            (Czech, _) => format!("{number} vás potřebuje"),
            (Chinese, _) => format!("{number} 个需要您处理"),
        }
    }

    /// That many are proven.
    pub(crate) fn verified(self, proven: u64, all: u64) -> String {
        match self {
            English => format!("{proven} of {all} verified"),
            Czech => format!("ověřeno {proven} z {all}"),
            Chinese => format!("已验证 {proven}/{all}"),
        }
    }

    pub(crate) fn all_verified(self) -> &'static str {
        match self {
            English => "All verified",
            Czech => "Vše ověřeno",
            Chinese => "全部已验证",
        }
    }

    pub(crate) fn finished(self) -> &'static str {
        match self {
            English => "Finished",
            Czech => "Dokončeno",
            Chinese => "已完成",
        }
    }

    pub(crate) fn needs_somebody(self) -> &'static str {
        match self {
            English => "Labferry needs you",
            Czech => "Labferry vás potřebuje",
            Chinese => "Labferry 需要您处理",
        }
    }

    /// A batch and what became of it, as one sentence.
    pub(crate) fn batch(self, batch: &BatchRow, what_became: &[String]) -> String {
        let all = batch.counts.all;
        let what = if all == 1 { batch.name.clone() } else { self.files(all) };
        let (account, became) = (&batch.account, what_became.join(self.comma()));
        match (self, batch.direction.as_str()) {
            (English, "download") => format!("{what} from {account}: {became}."),
            (English, _) => format!("{what} to {account}: {became}."),
            (Czech, "download") => format!("{what} z {account}: {became}."),
            (Czech, _) => format!("{what} do {account}: {became}."),
            (Chinese, "download") => format!("从 {account} 下载 {what}：{became}。"),
            (Chinese, _) => format!("上传 {what} 到 {account}：{became}。"),
        }
    }

    fn files(self, number: u64) -> String {
        match (self, number) {
            (English, 1) => "1 file".to_owned(),
            (English, _) => format!("{number} files"),
            (Czech, 1) => "1 soubor".to_owned(),
            (Czech, 2..=4) => format!("{number} soubory"),
            (Czech, _) => format!("{number} souborů"),
            (Chinese, _) => format!("{number} 个文件"),
        }
    }

    fn comma(self) -> &'static str {
        match self {
            English | Czech => ", ",
            Chinese => "，",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(active: u64, waiting: u64, needs_you: u64) -> QueueCounts {
        QueueCounts { active, waiting, needs_you, ..QueueCounts::default() }
    }

    #[test]
    fn words_name_what_there_is() {
        assert_eq!(English.queue(&counts(0, 0, 0)), "nothing to do");
        assert_eq!(English.queue(&counts(3, 0, 1)), "3 in hand, 1 needs you");
        assert_eq!(English.queue(&counts(0, 9, 2)), "9 waiting, 2 need you");
        assert_eq!(Czech.queue(&counts(3, 0, 5)), "probíhá: 3, 5 vás potřebuje");
        assert_eq!(Chinese.queue(&counts(3, 1, 0)), "3 个进行中，1 个等待");
    }

    #[test]
    fn the_windows_tags_are_known_and_others_are_english() {
        assert_eq!(
            ["en", "cs", "zh-Hans", "", "de"].map(Language::of),
            [English, Czech, Chinese, English, English]
        );
    }
}
