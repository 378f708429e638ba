import { InputError } from '../../errors.js';
import { checkDataset } from '../../evaluate/datasets/checkDataset.js';
import { print, withProgress } from '../output.js';

/** `evaluate --check`: prints what is wrong with a data set. @throws InputError when something is */
export async function checkFiles(flags: {
  dataset?: string;
  classesFile?: string;
  quiet?: boolean;
  json?: boolean;
}): Promise<void> {
  const { dataset, classesFile } = flags;
  if (dataset === undefined) throw new InputError('evaluate: expected a data set to check, --dataset KIND:PATH');
  const check = await withProgress('files', flags, onProgress => checkDataset(dataset, { classesFile, onProgress }));
  const { images, findings } = check;
  print(flags, check, () => [
    ...findings.map(({ file, problem }) => `${file}: ${problem}`),
    `${images} images, files with something wrong: ${findings.length || 'none'}`,
  ]);
  const [first] = findings;
  if (first) throw new InputError(`${dataset}: files with something wrong: ${findings.length}, first ${first.file}`);
}
