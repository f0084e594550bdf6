import File from '@lucide/svelte/icons/file';
import FileArchive from '@lucide/svelte/icons/file-archive';
import FileAudio from '@lucide/svelte/icons/file-audio';
import FileCode from '@lucide/svelte/icons/file-code';
import FileImage from '@lucide/svelte/icons/file-image';
import FileSpreadsheet from '@lucide/svelte/icons/file-spreadsheet';
import FileText from '@lucide/svelte/icons/file-text';
import FileVideo from '@lucide/svelte/icons/file-video';

const icons: readonly [RegExp, typeof File][] = [
  [/\.(png|jpe?g|gif|webp|bmp|svg|tiff?|czi|nd2|lif|lsm|dcm|mrcs?|heic)$/i, FileImage],
  [/\.(mp4|m4v|mov|avi|mkv|webm|mpe?g)$/i, FileVideo],
  [/\.(wav|mp3|flac|ogg|m4a|opus)$/i, FileAudio],
  [/\.(csv|tsv|tab|xlsx?|ods|parquet)$/i, FileSpreadsheet],
  [/\.(pdf|txt|md|docx?|odt|rtf|log)$/i, FileText],
  [/\.(zip|gz|tgz|tar|xz|bz2|7z|zst|rar)$/i, FileArchive],
  [/\.(json|xml|ya?ml|html?|js|ts|py|r|m|sh|ipynb|toml)$/i, FileCode],
];

/** The picture that stands for a file's kind, by its ending: a hint for the eye, never a judgement. */
export const typeIcon = (name: string): typeof File => icons.find(([ending]) => ending.test(name))?.[1] ?? File;

/** Whether a small picture of it is worth asking for. */
export const mayHaveThumbnail = (name: string, size: number | null): boolean => /\.(png|jpe?g|gif|webp|bmp)$/i.test(name) && (size === null || size <= 2 * 1024 * 1024);
