/** No file with CLIP's 48,894 merges is larger than this, in bytes. */
export const maxFileSize = 16 * 2 ** 20;

/** Nor is what it holds, once it is unpacked. */
export const maxTextSize = 64 * 2 ** 20;
