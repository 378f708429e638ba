/**
 * Class names as users and data sets write them, and the flat list of queries that the text tower encodes.
 *
 * Blanks around names are stripped and runs of blanks become one. Published readers do not always do so (ClearCLIP's
 * gives ` wall`), but CLIP's tokenizer strips and joins blanks itself, so the ids are the same.
 */
import { InputError } from '../errors.js';
import { quoted } from '../files/quote.js';

/** One class. */
export interface VocabularyClass {
  /** Its first name, for legends and reports. */
  readonly name: string;
  /** Further names for the same thing. */
  readonly synonyms: readonly string[];
}

/** Classes in label order and the names to encode. */
export interface Vocabulary {
  readonly classes: readonly VocabularyClass[];
  /** Every name of every class, class by class, the first name first. */
  readonly queries: readonly string[];
  /** Index of the class that each query belongs to. */
  readonly classOfQuery: Int32Array;
}

/** A label map has 16 bits a pixel, and one label is for a background beside the classes. */
const mostClasses = 65_535;
const mostQueries = 100_000;
/** Far beyond what fits a context of 77 tokens. */
const longestName = 2_000;

/** What the tokenizer makes of blanks and case: names with the same key are the same query. */
const keyOf = (name: string): string => name.toLowerCase();

/**
 * Builds a vocabulary from names that are already apart: `[['cat', 'kitten'], ['sofa']]`.
 * @param options.where What error messages begin with.
 * @param options.repeats Published lists repeat names now and then (`bed` is background and a class of COCO-Object):
 * `keep` lets them; the default refuses them.
 * @throws InputError for no classes, an empty class or name, a repeated name, too many or overlong names.
 */
export function buildVocabulary(
  names: readonly (readonly string[])[],
  { where = 'classes', repeats = 'refuse' }: { where?: string; repeats?: 'refuse' | 'keep' } = {},
): Vocabulary {
  if (names.length === 0) throw new InputError(`${where}: expected at least one class name, got none`);
  if (names.length > mostClasses) {
    throw new InputError(`${where}: ${names.length} classes, at most ${mostClasses} fit a label map`);
  }
  const classes: VocabularyClass[] = [];
  const queries: string[] = [];
  const classOfQuery: number[] = [];
  const seen = new Map<string, number>();
  for (const [index, group] of names.entries()) {
    const place = `${where}: class ${index + 1}`;
    const cleaned = group.map(name => cleanName(name, place));
    const [name, ...synonyms] = cleaned;
    if (name === undefined) throw new InputError(`${place} of ${names.length} has no name`);
    for (const query of cleaned) {
      const key = keyOf(query);
      const earlier = seen.get(key);
      if (earlier !== undefined && repeats === 'refuse') {
        const other = earlier === index ? 'twice in the same class' : `in class ${earlier + 1} already`;
        throw new InputError(`${place}: the name ${quoted(query)} stands ${other}; give every name once`);
      }
      if (earlier === undefined) seen.set(key, index);
      queries.push(query);
      classOfQuery.push(index);
    }
    classes.push({ name, synonyms });
  }
  if (queries.length > mostQueries) {
    throw new InputError(`${where}: ${queries.length} names, at most ${mostQueries}`);
  }
  return { classes, queries, classOfQuery: Int32Array.from(classOfQuery) };
}

function cleanName(name: unknown, place: string): string {
  if (typeof name !== 'string') throw new InputError(`${place}: expected text, got ${typeof name}`);
  const cleaned = name.replace(/\s+/gu, ' ').trim();
  if (cleaned === '') throw new InputError(`${place}: a name is empty; take out the extra separator`);
  if (cleaned.length > longestName) {
    throw new InputError(
      `${place}: a name of ${cleaned.length} characters, at most ${longestName}: ${quoted(cleaned)}`,
    );
  }
  return cleaned;
}

/**
 * Classes from one line, as on the command line: `a cat,kitten; sofa; grass`, `;` between classes and `,` between the
 * names of one class.
 * @throws InputError as `buildVocabulary`.
 */
export function parseClasses(text: string, where = 'classes'): Vocabulary {
  if (typeof text !== 'string') throw new InputError(`${where}: expected text, got ${typeof text}`);
  if (text.trim() === '') throw new InputError(`${where}: expected names such as "a cat,kitten; sofa", got none`);
  return buildVocabulary(
    text.split(';').map(names => names.split(',')),
    { where },
  );
}

/**
 * Classes from a text file: one class a line, its names parted by commas or semicolons. Blank lines are skipped; a byte
 * order mark, Windows line ends and a missing last line end are fine.
 * @param where The file's name, for error messages.
 * @throws InputError as `buildVocabulary`.
 */
export function parseClassFile(text: string, where: string): Vocabulary {
  if (typeof text !== 'string') throw new InputError(`${where}: expected text, got ${typeof text}`);
  if (text.includes('\0'))
    throw new InputError(`${where}: expected a text file with one class a line, got binary data`);
  const lines = text.split(/\r\n|\n|\r/u).filter(line => line.trim() !== '');
  return fromNames(lines, where);
}

/**
 * Classes from an array, one string a class: `['a cat; kitten', 'sofa', 'background']`. Semicolons and commas part the
 * names of one class.
 * @throws InputError as `buildVocabulary`.
 */
export function fromNames(names: readonly string[], where = 'classes'): Vocabulary {
  if (!Array.isArray(names)) throw new InputError(`${where}: expected an array of names, got ${typeof names}`);
  const groups = names.map((line, index) => {
    if (typeof line !== 'string') {
      throw new InputError(`${where}: class ${index + 1}: expected text, got ${typeof line}`);
    }
    return line.split(/[;,]/u);
  });
  return buildVocabulary(groups, { where });
}
