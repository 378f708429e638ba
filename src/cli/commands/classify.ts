import { existsSync } from 'node:fs';
import { Command } from 'commander';
import type { LoadedClip } from '../../checkpoint/loadClip.js';
import { InputError, suggestion } from '../../errors.js';
import { readText } from '../../files/bytes.js';
import { fill, parseTemplates, templateSets, templates } from '../../segment/prompts.js';
import type { Vocabulary } from '../../segment/vocabulary.js';
import { type ClassFlags, vocabularyFrom, withClasses } from '../classes.js';
import { type CommonFlags, wholeNumber, withExif, withModel } from '../flags.js';
import { eachImage, imageCount, modelFrom, pixelsFor, prepareImage, withClip } from '../model.js';
import { percent, print } from '../output.js';
import { fulfilTexts, requestTexts, towersFor } from '../texts.js';

interface Flags extends CommonFlags, ClassFlags {
  templates?: string;
  top?: number;
  exif: boolean;
}

interface Score {
  name: string;
  probability: number;
  logit: number;
}

export function command(description: string): Command {
  return withExif(withClasses(withModel(new Command('classify'))))
    .description(description)
    .argument('<image...>', 'pictures, or .safetensors files with ready pixels [n, 3, h, w]')
    .option(
      '--templates <set|file|prompt>',
      `${templateSets.join(', ')}, a file with one prompt a line, or a prompt with {} (default: the model's own, or photo)`,
    )
    .option('--top <n>', 'only the n best', wholeNumber(1))
    .action(async (images: string[], flags: Flags) => {
      const vocabulary = vocabularyFrom('classify', flags);
      const model = modelFrom(flags);
      const prompts = flags.templates === undefined ? model.settings.templates : templatesFrom(flags.templates);
      const request = await requestTexts(model, vocabulary.queries, prompts ?? templates('photo'), flags);
      const batches = await pixelsFor(model, images, flags);
      const scored = await withClip(
        flags,
        { towers: towersFor(request), runs: imageCount(batches) },
        async (clip, runner) => {
          const texts = await fulfilTexts(clip, runner, request, flags);
          const embed = await prepareImage(runner, pixels => clip.image(pixels).embedding);
          return eachImage(batches, flags, async (pixels, file) => {
            const { data } = await embed(pixels);
            const scores = scoresOf(data as Float32Array, texts.values, clip.logitScale, vocabulary);
            return { file: images[file]!, scores: scores.slice(0, flags.top) };
          });
        },
      );
      print(flags, { images: scored }, () =>
        scored.flatMap(({ file, scores }) => [
          file,
          ...scores.map(s => `  ${percent(s.probability).padStart(7)}  ${s.name}`),
        ]),
      );
    });
}

/** Logits `scale x cosine`, the best synonym standing for its class, and their softmax over classes; best first. */
function scoresOf(
  image: Float32Array,
  texts: Float32Array,
  scale: LoadedClip['logitScale'],
  vocabulary: Vocabulary,
): Score[] {
  const width = image.length;
  const logits = new Float64Array(vocabulary.classes.length).fill(Number.NEGATIVE_INFINITY);
  vocabulary.classOfQuery.forEach((label, query) => {
    let dot = 0;
    for (let i = 0; i < width; i++) dot += image[i]! * texts[query * width + i]!;
    logits[label] = Math.max(logits[label]!, scale * dot);
  });
  const largest = Math.max(...logits);
  const weights = logits.map(logit => Math.exp(logit - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return vocabulary.classes
    .map(({ name }, label) => ({ name, probability: weights[label]! / total, logit: logits[label]! }))
    .sort((a, b) => b.logit - a.logit);
}

function templatesFrom(flag: string): readonly string[] {
  const set = templateSets.find(name => name === flag);
  if (set) return templates(set);
  if (flag.includes('{}')) {
    fill(flag, '');
    return [flag];
  }
  if (existsSync(flag)) return parseTemplates(readText(flag), flag);
  throw new InputError(`--templates: '${flag}' is no set, no file and has no {}${suggestion(flag, templateSets)}`);
}
