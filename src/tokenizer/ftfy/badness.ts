/**
 * Does a text look like UTF-8 that was decoded in the wrong encoding? About 400 characters turn up in such text. Each
 * has a class below, and some neighbourhoods of classes hardly ever occur on purpose. Classes and neighbourhoods are
 * those of ftfy 6.3.
 */
import { BLANKS } from './whitespace.js';

const c1 = '\\x80-\\x9f';
const bad = '¤¦¨ª¬¯¸ºƒˆˇ˘˛˜†‡‰⌐◊\\ufffd';
const law = '§¶';
const currency = '¢£¥₧€';
const opening = '¡©«¿΄΅‘‚“„•‹\\uf8ff';
const closing = '®»˝”›™';
const numeric = '±²³µ¹¼½¾×÷⁄№∂∆∏∑√∞∩∫≈≠≡≤≥';
const box = '│┌┐┘├┤┬┼═-╬▀▄█▌▐-▓';
/** What else occurs in wrongly decoded text, but in many innocent places too. */
const common = '\\xa0\\xad·´–—―…’';
/** Letters of faces such as "Ò_ó", which have odd neighbours on purpose. */
const face = '°Ò-ÖÙ-Üò-öø-üŌŐŪŲ';
const upper = 'À-ÑØÜÝĀĂĄĆČĎĐĒĖĘĚĞĢĪİĶĹĻĽŁŃŅŇŒŘŚŞŠŢŤŮŰŸŹŻŽҐ';
const lower = 'ß-ñüāăąćčďđēėęěğģīįķĺļľłœŕśşšťźżžґﬁﬂ';
/** Letters of Greek and Cyrillic, common at the ends of words. */
const upperCommon = 'ÞΆΈΉΊΌΎΏΑ-ΫЁ-Я';
const lowerCommon = 'ά-ωа-џ';

const accented = lower + upper;
const marked = accented + box + opening + closing + currency + numeric + law;
const arabicTail = `${common + currency + bad + numeric + opening}ŸŠ®°µ»`;

/** Runs of characters that give wrong decoding away: each row is one run, each entry the class of one character. */
const runs: readonly (readonly string[])[] = [
  [c1],
  [bad + marked, bad],
  [bad, marked],
  ['a-zA-Z', lowerCommon + upperCommon, bad],
  [lower + lowerCommon + box + closing + currency + numeric, upper],
  [box + closing + currency + numeric, lower],
  [lower + box + closing, currency],
  [BLANKS, upper, currency],
  [upper + box, numeric + law],
  [currency + numeric + box, opening],
  [accented + box + currency + closing, opening, numeric],
  [accented + currency + numeric + box + law, closing, opening],
  ['a-z', upper, opening + currency],
  [accented, opening + closing, '\\p{L}\\p{N}_'],
  [box, face + closing],
  [accented + currency + numeric + opening + closing + law, box],
  ['Œœ', '^A-Za-z'],
  [upper, '°'],
  // UTF-8 as Windows-1252: Latin, Greek and Cyrillic letters, then Arabic words, then scripts of South Asia.
  ['ÂÃÎÐ', `€œŠš¢£Ÿž\\xa0\\xad®©°·»${opening + closing}–—´`],
  ['×', '²³'],
  ['ØÙ', arabicTail, 'ØÙ', arabicTail],
  ['à', '²µ¹¼½¾'],
  ['a-z', 'ÃÂ', ' '],
  ['a-z', BLANKS, 'ÃÂ', ' '],
  [`a-z.,?!${closing}`, 'Â', ` ${opening + closing}`],
  // As MacRoman.
  ['√', '±∂†≠®™´≤≥¥µø'],
  ['≈', '°¢'],
  ['‚', 'Ä', 'ìîïòôúùû†°¢π'],
  ['‚', 'âó', 'àä°ê'],
  // As Windows-1251: punctuation, letters, and letters misread twice.
  ['в', 'Ђ'],
  ['ВГРС', `${c1 + bad + opening + closing + currency}°µ`, 'ВГРС'],
  ['Г', 'ў', 'В', 'Ђ', 'В', '^\\n', 'A-Za-z '],
  // As Windows-1253.
  ['β', '€', '™\\xa0Ά\\xad®°'],
  ['ΒΓΞΟ', `${c1 + bad + opening + closing + currency}°`, 'ΒΓΞΟ'],
];

let pattern: RegExp | undefined;

/** Whether some run of characters in `text` is far more likely in wrongly decoded text than on purpose. */
export function looksMisread(text: string): boolean {
  pattern ??= new RegExp(`^[ÃÂ] |${runs.map(run => run.map(one => `[${one}]`).join('')).join('|')}`, 'u');
  return pattern.test(text);
}
