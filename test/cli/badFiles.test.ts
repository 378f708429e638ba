import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { writeModels, writePictures } from './brokenFiles.js';
import { type Refused, refuses } from './refused.js';

const embed = (file: string) => ['embed', `{}/${file}`];
const classes = ['--classes', 'sand; sky'];

const pictures: Refused[] = [
  [embed('missing.png'), /missing\.png: cannot be read: no such file or folder/],
  [embed('empty.png'), /empty\.png: expected a PNG, JPEG.*, got an empty file/],
  [embed('text.png'), /text\.png: expected a PNG, JPEG.*, got text/],
  [embed('cut.png'), /cut\.png: the picture is cut short/],
  [embed('cut.jpg'), /cut\.jpg: /],
  [embed('vector.png'), /vector\.png: .*got an SVG drawing/],
  [embed('vector.svg'), /vector\.svg: .*got an SVG drawing/],
  [embed('folder.png'), /folder\.png: expected a file, got a directory/],
  [embed('none.png'), /none\.png: expected a picture of at least one pixel, got 0 x 96/],
  [embed('huge.png'), /huge\.png: expected at most \d+ pixels, its header says 60000 x 60000/],
  [['segment', '{}/cut.png', ...classes, '-o', 'o.png', '--logits', 'o.safetensors'], /cut\.png: the picture is cut/],
  [['classify', '{}/good.png', '{}/text.png', ...classes], /text\.png: expected a PNG/],
  [['compare', '{}/huge.png', ...classes, '-o', 'o.png'], /huge\.png: expected at most/],
  [['inspect', '{}/vector.png', '-o', 'o.safetensors'], /vector\.png: .*got an SVG drawing/],
  [['preprocess', '{}/good.png', '{}/empty.png', '-o', 'o.safetensors'], /empty\.png: .*got an empty file/],
];

const pixels: Refused[] = [
  [embed('cut.safetensors'), /cut\.safetensors: expected \d+ bytes of tensors, got \d+/],
  [embed('bytes.safetensors'), /bytes\.safetensors: expected 'pixels' as .* floats, got U8 \[1,3,24,24\]/],
  [embed('flat.safetensors'), /flat\.safetensors: expected 'pixels' as \[n, 3, height, width\].*got F32 \[3,24,24\]/],
  [embed('grey.safetensors'), /grey\.safetensors: expected 'pixels' as .*got F32 \[1,1,24,24\]/],
  [embed('none.safetensors'), /none\.safetensors: expected 'pixels' as .*got F32 \[0,3,24,24\]/],
  [embed('nan.safetensors'), /nan\.safetensors: expected finite 'pixels', got NaN/],
  [embed('small.safetensors'), /small\.safetensors: expected at least a patch of 12 x 12 pixels, got 24 x 8/],
  [embed('other.safetensors'), /other\.safetensors: expected a tensor named 'pixels', found ima\\u\{001b\}\[31mge/],
  [embed('lie.safetensors'), /lie\.safetensors: tensor 'pixels'/],
  [['segment', '{}/two.safetensors', ...classes, '-o', 'o.png'], /two\.safetensors: expected one image for --output/],
  [['compare', '{}/two.safetensors', ...classes], /two\.safetensors: expected one image, got 2/],
  [
    ['preprocess', '{}/good.safetensors', '{}/good.png'],
    /good\.png: 96 x 96 pixels, but .*good\.safetensors gives 24 x 24/,
  ],
];

const model = (name: string) => ['embed', '{}/good.png', '--model', `{}/${name}`];

const models: Refused[] = [
  [['segment', '{}/good.png', ...classes, '--model', '{}/no-weights'], /no-weights: expected a model's weights there/],
  [model('deeper'), /do not fit the config: first missing tensor 'vision_model\.encoder\.layers\.5\./],
  [model('shallower'), /do not fit the config: first unused tensor 'vision_model\.encoder\.layers\.4\./],
  [model('wider'), /class_embedding' is \[128\], but the config asks for \[256\]/],
  [model('heads'), /heads\/config\.json: width 128 is no multiple of 7 heads/],
  [model('relu'), /relu\/config\.json: unknown activation 'relu'; did you mean gelu/],
  [model('text-number'), /config\.json: .*hidden_size: .*expected number, received string/],
  [model('endless'), /endless\/config\.json: .*num_hidden_layers/],
  [model('not-clip'), /config\.json: expected model_type 'clip', got 'siglip'/],
  [model('no-json'), /no-json\/config\.json: not valid JSON/],
  [model('no-size'), /preprocessor_config\.json: size: expected a whole number of pixels from 1 to \d+, got -4/],
  [model('no-template'), /clipscope\.json: templates.*must include "\{\}"/],
  [model('cut'), /cut\/model\.safetensors: .*cut short/],
  [model('empty'), /empty: expected a model's weights there, such as model\.safetensors; found none/],
  [model('good.png'), /good\.png: .*is it a safetensors file\?/],
  [model('tensor.safetensors'), /tensor\.safetensors: expected a CLIP checkpoint/],
  [model('index.json'), /index\.json: tensor 'a': expected a file in the index's folder, got '\.\.\/\.\.\/secret'/],
  [model('hostile.pt'), /hostile\.pt: .*refers to .os\.system., which is outside the allow-list/],
  [['convert', '{}/hostile.pt', '-o', 'out'], /hostile\.pt: .*os\.system/],
  [['convert', '{}/deeper', '-o', 'out'], /first missing tensor/],
  [['inspect', '--list', '--model', '{}/no-json'], /no-json\/config\.json: not valid JSON/],
];

describe('clipscope refuses: pictures', () => refuses(pictures, writePictures));
describe('clipscope refuses: ready pixels', () => refuses(pixels, writePictures));
describe('clipscope refuses: models', () => {
  let folder: string;
  refuses(models, dir => {
    folder = dir;
    writeModels(dir);
  });

  it('and runs nothing of what is in a pickle', () => {
    expect(existsSync(`${folder}/hostile.pt`)).to.equal(true);
    expect(existsSync(`${folder}/hostile`)).to.equal(false);
  });
});
