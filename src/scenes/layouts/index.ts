/** Data sets of scenes on disk, in the layouts of published ones. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, suggestion } from '../../errors.js';
import { reasonOf } from '../../files/bytes.js';
import { makeFolder, namesIn } from '../../files/folder.js';
import { quoted } from '../../files/quote.js';
import { checkNumber, type SceneOptions, sceneOptions } from '../options.js';
import { type SceneClassKind, sceneClassNames } from '../world.js';
import { writeAde } from './ade.js';
import { writeCoco } from './coco.js';
import { type SetProgress, type WriteLayout, writeText } from './frames.js';
import { writeVoc } from './voc.js';

const writers = { voc: writeVoc, coco: writeCoco, ade: writeAde } as const satisfies Record<string, WriteLayout>;

/** Pascal VOC, COCO or ADE20K. */
export type SceneFormat = keyof typeof writers;
/** The layouts by name. */
export const sceneFormats = Object.keys(writers) as readonly SceneFormat[];

/** What to write. */
export interface WriteScenesOptions {
  /** Scenes, 1 to 1,000,000; 100 by default. */
  readonly count?: number;
  /** The scenes are numbers 0 to `count - 1` of this seed; 0 by default. */
  readonly seed?: number;
  /** `voc` by default. */
  readonly format?: SceneFormat;
  /** What the classes of the label maps and of the objects are; `colours` by default. */
  readonly classes?: SceneClassKind;
  /** How the scenes are drawn. */
  readonly scene?: SceneOptions;
  /** Called after each scene. */
  readonly progress?: SetProgress;
}

const mostScenes = 1_000_000;
const settingsFile = 'scenes.json';
const defaults = { count: 100, seed: 0, format: 'voc', classes: 'colours', scene: {} } as const;

/**
 * Writes a data set of scenes: pictures as JPEG (so not quite the values that `drawScene` gives), labels exact,
 * `classes.txt` with a class a line in label order, `scenes.json` with the settings. The same settings give the same
 * files; memory does not grow with their number. Each file appears whole or not at all, lists of the others last.
 * @param folder made where it is missing; else empty, or of the same settings, such as after an interruption
 * @throws InputError when the folder holds anything else or cannot be written, or an option is out of its range
 */
export async function writeScenes(folder: string, options: WriteScenesOptions = {}): Promise<void> {
  const { progress = () => {}, ...given } = options;
  const { count, seed, format, classes, scene } = { ...defaults, ...given };
  if (!Object.hasOwn(writers, format)) {
    throw new InputError(
      `writeScenes: expected a known format, got ${quoted(String(format))}${suggestion(String(format), sceneFormats)}`,
    );
  }
  if (!Number.isInteger(count) || count < 1 || count > mostScenes) {
    throw new InputError(`writeScenes: expected 1 to ${mostScenes} scenes, got ${count}`);
  }
  checkNumber('seed', seed);
  const settings = { generator: 1, format, count, seed, classes, scene: sceneOptions(scene) };
  const names = sceneClassNames(classes);
  takeFolder(folder, `${JSON.stringify(settings, null, 2)}\n`);
  writeText(folder, 'classes.txt', `${names.join('\n')}\n`);
  await writers[format](folder, { count, seed, classes, scene }, progress);
}

/** Makes the folder this data set's by writing its settings there. */
function takeFolder(folder: string, settings: string): void {
  makeFolder(folder);
  if (!isFree(folder, settings)) {
    throw new InputError(`${folder}: expected an empty folder, or one with scenes of the same settings; name another`);
  }
  writeText(folder, settingsFile, settings);
}

/** Whether the folder is empty or holds a data set of these settings. */
function isFree(folder: string, settings: string): boolean {
  const names = namesIn(folder);
  if (!names.includes(settingsFile)) return names.length === 0;
  const path = join(folder, settingsFile);
  try {
    return statSync(path).size === settings.length && readFileSync(path, 'utf8') === settings;
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${reasonOf(error)}`);
  }
}
