/** A glob, in which `*` is any run of characters, as the source of a regular expression. */
export const globSource = (glob: string): string => glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, '.*');
