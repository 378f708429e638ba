import { Command, Option } from 'commander';
import { checkWritable } from '../../files/atomic.js';
import { checkPictureExtension, writePicture } from '../../image/encode.js';
import type { Picture } from '../../image/picture.js';
import { type SceneFormat, sceneFormats, writeScenes } from '../../scenes/layouts/index.js';
import { sceneAt } from '../../scenes/scene.js';
import { sceneSheet } from '../../scenes/sheet.js';
import { type SceneClassKind, sceneClassKinds, sceneClassNames } from '../../scenes/world.js';
import { wholeNumber, withOutput } from '../flags.js';
import { print, withProgress } from '../output.js';

interface Flags {
  output: string;
  count: number;
  seed: number;
  size: number;
  format: SceneFormat;
  classes: SceneClassKind;
  sheet?: string;
  quiet?: boolean;
  json?: boolean;
}

const mostOnSheet = 48;
const largestOnSheet = 192;

export function command(description: string): Command {
  return withOutput(new Command('scenes'))
    .description(description)
    .requiredOption('-o, --output <dir>', 'folder for the data set, empty or not yet there')
    .option('-n, --count <n>', 'how many scenes', wholeNumber(0), 100)
    .option('--seed <n>', 'the same seed gives the same scenes', wholeNumber(0), 0)
    .option('--size <pixels>', 'side of each picture, 24 to 4096', wholeNumber(0), 96)
    .addOption(new Option('--format <name>', 'layout of the folder').choices(sceneFormats).default('voc'))
    .addOption(new Option('--classes <kind>', 'what the labels tell apart').choices(sceneClassKinds).default('colours'))
    .option('--sheet <picture>', `the first scenes with their captions, at most ${mostOnSheet}, in one picture`)
    .action((flags: Flags) => runScenes(flags));
}

async function runScenes({ output, count, seed, size, format, classes, sheet, ...flags }: Flags): Promise<void> {
  if (sheet !== undefined) {
    checkPictureExtension(sheet);
    checkWritable(sheet);
  }
  await withProgress('scenes', flags, progress =>
    writeScenes(output, { count, seed, format, classes, scene: { size }, progress }),
  );
  if (sheet !== undefined) await writePicture(sheet, sheetOf(count, seed, size));
  print(flags, { count, seed, size, format, classes: sceneClassNames(classes) }, () => [
    `${count} scenes -> ${output}`,
  ]);
}

/** The first scenes; large ones smaller, since they look alike at every size. */
function sheetOf(count: number, seed: number, size: number): Picture {
  const options = { size: Math.min(size, largestOnSheet) };
  return sceneSheet(Array.from({ length: Math.min(count, mostOnSheet) }, (_, index) => sceneAt(seed, index, options)));
}
