/** The classes of a data set: published ones, its own, or those the user names. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { readText } from '../../files/bytes.js';
import { type ClassFlavour, classList } from '../../segment/classLists.js';
import { buildVocabulary, type Vocabulary } from '../../segment/vocabulary.js';
import type { Dataset } from './dataset.js';
import { type KindName, kinds } from './kinds.js';

/** The file by which a folder brings classes of its own. */
const ownFile = 'classes.txt';

/** One number of a byte is for what does not count, one for what ADE20K leaves unlabelled. */
const mostClasses = 254;

type Names = Pick<Dataset, 'namesFrom' | 'classes' | 'vocabulary'>;

/** One list, whatever the wording. */
export const namesOf = (list: Vocabulary, namesFrom: 'folder' | 'user'): Names => ({
  namesFrom,
  classes: list.classes.map(({ name }) => name),
  vocabulary: () => list,
});

/** A published list. Tables call the background `background`, as ClearCLIP's wording does. */
export const publishedNames = (name: string): Names => ({
  namesFrom: 'published',
  classes: classList(name, 'clearclip').classes.map(({ name: label }) => label),
  vocabulary: (wording: ClassFlavour) => classList(name, wording),
});

/** Classes of a file with a class a line, synonyms after commas; published lists repeat names, so these may. */
function readClasses(path: string): Vocabulary {
  const lines = readText(path)
    .split(/\r\n|\n|\r/u)
    .filter(line => line.trim() !== '');
  return buildVocabulary(
    lines.map(line => line.split(/[;,]/u)),
    { where: path, repeats: 'keep' },
  );
}

/**
 * The classes of `classes.txt` where a data set begins with one: such a folder has these instead of the published ones.
 * @throws InputError for more classes than a label map holds, and where folders of this kind have no own classes
 */
export function ownClasses(kind: KindName, root: string): Vocabulary | undefined {
  const path = join(root, ownFile);
  if (!existsSync(path)) return undefined;
  if (!kinds[kind].ownValues) {
    const able = Object.entries(kinds).flatMap(([name, { ownValues }]) => (ownValues ? [`${name}:`] : []));
    throw new InputError(
      `${path}: a folder with classes of its own is read as ${able.join(', ')}, got ${kind}:; or rename that file`,
    );
  }
  const own = readClasses(path);
  if (own.classes.length > mostClasses) {
    throw new InputError(`${path}: expected at most ${mostClasses} classes, got ${own.classes.length}`);
  }
  return own;
}

/** The user's names for the classes of a data set. @throws InputError unless they are as many */
export function classesFrom(path: string, count: number, where: string): Vocabulary {
  const list = readClasses(path);
  if (list.classes.length !== count) {
    throw new InputError(`${path}: expected the ${count} classes of ${where}, got ${list.classes.length}`);
  }
  return list;
}

/** `Dataset.fingerprint`. Of a published list, one wording stands for all. */
export function fingerprintOf(kind: string, { namesFrom, vocabulary }: Names, ids: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, namesFrom, vocabulary('clearclip').classes, ids]))
    .digest('hex');
}
