import type { Command } from 'commander';
import { readText } from '../files/bytes.js';
import { parseClasses, parseClassFile, type Vocabulary } from '../segment/vocabulary.js';
import { exactlyOne } from './flags.js';

export interface ClassFlags {
  classes?: string;
  classesFile?: string;
}

/** `--classes` and `--classes-file`. */
export function withClasses(command: Command): Command {
  return command
    .option('--classes <names>', '"a cat,kitten; sofa": `;` between classes, `,` between synonyms')
    .option('--classes-file <file>', 'one class a line, synonyms after commas');
}

/** The vocabulary that the flags name. @throws InputError unless exactly one of them is given and makes sense. */
export function vocabularyFrom(command: string, { classes, classesFile }: ClassFlags): Vocabulary {
  exactlyOne(command, ['--classes', classes !== undefined], ['--classes-file', classesFile !== undefined]);
  return classes === undefined
    ? parseClassFile(readText(classesFile!), classesFile!)
    : parseClasses(classes, '--classes');
}
