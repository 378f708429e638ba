import type { Study } from '../study.js';
import { alpha } from './alpha.js';
import { channels } from './channels.js';
import { entropy } from './entropy.js';
import { ffn } from './ffn.js';
import { heads } from './heads.js';
import { norms } from './norms.js';
import { outliers } from './outliers.js';
import { parts } from './parts.js';

/** Every study by its name. */
export const studies = { norms, parts, alpha, ffn, entropy, channels, heads, outliers } as const;

/** The name of a study. */
export type StudyName = keyof typeof studies;

/** The names, in the order of ClearCLIP's argument. */
export const studyNames = Object.keys(studies) as StudyName[];

/** A study by its name, for those who go through several. */
export const studyByName = (name: StudyName): Study => studies[name];
