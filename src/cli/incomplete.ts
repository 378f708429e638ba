/** Work that was done and said, but for a part: one line on standard error and exit status 1. */
export class Incomplete extends Error {}
