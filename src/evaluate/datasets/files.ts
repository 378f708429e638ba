/** Which files a data set is made of. Only names are read here. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../../errors.js';
import { readText, reasonOf } from '../../files/bytes.js';
import { quoted } from '../../files/quote.js';
import type { Kind, LabelFiles } from './kinds.js';

/** An image and its label map; either may be missing. */
export interface ImageFile {
  readonly id: string;
  readonly image: string;
  readonly labels: string;
}

/** What is wrong with a file. */
export interface Finding {
  readonly file: string;
  /** One line. */
  readonly problem: string;
}

/** The files of a data set. */
export interface DatasetFiles {
  /** The folder that it begins in. */
  readonly root: string;
  readonly images: readonly ImageFile[];
  readonly labelFiles: LabelFiles;
  /** No images, or ids that come twice: nothing can be evaluated. */
  readonly faults: readonly Finding[];
  /** Label maps without an image, where no list says which images there should be. */
  readonly strays: readonly Finding[];
}

/**
 * Finds a data set from a path to it, or to a folder above it.
 * @param where what error messages begin with
 * @throws InputError when there is no such folder, no images or no label maps in it, or no list where there must be one
 */
export function findFiles(where: string, kind: Kind, path: string): DatasetFiles {
  const [root, folder] = findImages(where, kind, path);
  const pictures = filesById(folder, name => imageId(kind, name));
  const [labelFiles, labels] = findLabels(where, kind, root);
  const list = kind.lists.map(name => join(root, ...name.split('/'))).find(path => existsSync(path));
  if (list === undefined && kind.listed) {
    throw new InputError(`${where}: expected a list of its images, ${kind.lists[0]} in ${root}, got none`);
  }
  const { ids, faults } = list === undefined ? { ids: [...pictures.files.keys()].sort(), faults: [] } : readIds(list);
  if (ids.length === 0) faults.push({ file: list ?? folder, problem: 'expected images, got none' });

  const labelFolder = join(root, labelFiles.folder);
  const images = ids.map(id => ({
    id,
    image: pictures.files.get(id) ?? join(folder, `${id}${kind.imageSuffix ?? '.jpg'}`),
    labels: labels.files.get(id) ?? join(labelFolder, `${id}${labelFiles.suffix}`),
  }));
  const wanted = new Set(ids);
  const repeats = [...pictures.repeats, ...labels.repeats].filter(([id]) => wanted.has(id));
  return {
    root,
    images,
    labelFiles,
    faults: [...faults, ...repeats.map(([, finding]) => finding)],
    strays: [...labels.files]
      .filter(([id]) => list === undefined && !pictures.files.has(id))
      .map(([, file]) => ({ file, problem: `the label map has no image in ${folder}` })),
  };
}

/** @throws InputError when a file of an image is not there */
export function requireFile(path: string, what: string): void {
  if (!existsSync(path)) throw new InputError(`${path}: ${what} is missing`);
}

/** @throws InputError when a data set has no such image */
export function imageAt<T>(images: readonly T[], index: number, where: string): T {
  const image = images[index];
  if (image !== undefined) return image;
  throw new InputError(`${where}: expected an image from 0 to ${images.length - 1}, got ${index}`);
}

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

function findImages(where: string, kind: Kind, path: string): [root: string, folder: string] {
  if (!isFolder(path)) throw new InputError(`${where}: expected a folder after the colon, got ${quoted(path)}`);
  for (const root of kind.roots) {
    for (const images of kind.images) {
      const folder = join(path, root, images);
      if (isFolder(folder)) return [join(path, root), folder];
    }
  }
  const below = kind.roots.filter(root => root !== '').join(' or ');
  throw new InputError(`${where}: expected images in ${kind.images.join(' or ')}, there or in ${below}, got none`);
}

function findLabels(where: string, kind: Kind, root: string): [LabelFiles, FilesById] {
  for (const files of kind.labels) {
    const folder = join(root, files.folder);
    if (!isFolder(folder)) continue;
    const found = filesById(folder, name => labelId(files, name));
    if (found.files.size > 0) return [files, found];
  }
  const looked = kind.labels.map(({ folder, suffix }) => `${folder}/*${suffix}`).join(', ');
  throw new InputError(`${where}: expected label maps (${looked}) in ${root}, got none`);
}

const pictureName = /^(.+)\.(?:jpe?g|png|webp|bmp|gif)$/i;

function imageId({ imageSuffix }: Kind, name: string): string | undefined {
  if (imageSuffix === undefined) return pictureName.exec(name)?.[1];
  return name.endsWith(imageSuffix) ? name.slice(0, -imageSuffix.length) : undefined;
}

function labelId({ suffix }: LabelFiles, name: string): string | undefined {
  if (!name.endsWith(suffix)) return undefined;
  const id = name.slice(0, -suffix.length);
  // Converted maps lie beside the raw ones.
  return id === '' || id.endsWith('TrainIds') ? undefined : id;
}

interface FilesById {
  readonly files: ReadonlyMap<string, string>;
  readonly repeats: readonly (readonly [id: string, finding: Finding])[];
}

/** The files below a folder that have an id. */
function filesById(folder: string, idOf: (name: string) => string | undefined): FilesById {
  const files = new Map<string, string>();
  const repeats: [string, Finding][] = [];
  for (const path of pathsBelow(folder).sort()) {
    const name = basename(path);
    const id = name.startsWith('.') ? undefined : idOf(name);
    if (id === undefined) continue;
    const file = join(folder, path);
    const first = files.get(id);
    if (first === undefined) files.set(id, file);
    else repeats.push([id, { file, problem: `the id ${quoted(id)} is that of ${first} too` }]);
  }
  return { files, repeats };
}

function pathsBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch (error) {
    throw new InputError(`${folder}: cannot be read: ${reasonOf(error)}`);
  }
}

/** The ids of a list, one a line. @throws InputError for a line that is no id */
function readIds(list: string): { ids: string[]; faults: Finding[] } {
  const lineOf = new Map<string, number>();
  const faults: Finding[] = [];
  for (const [i, line] of readText(list)
    .split(/\r\n|\n|\r/u)
    .entries()) {
    const id = line.trim();
    if (id === '') continue;
    // An id is part of a file's name: it must not lead out of the folder.
    if (/[\s/\\\p{C}]/u.test(id)) {
      throw new InputError(`${list}: line ${i + 1}: expected the id of an image, got ${quoted(id)}`);
    }
    const first = lineOf.get(id);
    if (first === undefined) lineOf.set(id, i + 1);
    else faults.push({ file: list, problem: `line ${i + 1}: the id ${quoted(id)} stands in line ${first} already` });
  }
  return { ids: [...lineOf.keys()], faults };
}
