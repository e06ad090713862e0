# SPDX-License-Identifier: Apache-2.0
"""models.json, and the tables that are made of it: in each model's card, in models/README.md, docs/results/types.md and the README. What stands outside of the two
marks is written by people, and stays."""
import json
import pathlib

import recipes

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIGURES = ROOT / "models/models.json"
BEGIN, END = "<!-- figures by scripts/make-models -->\n", "<!-- end of figures -->"
ALSO = {"ssim": "SSIM", "dice": "Dice", "iou_mean": "mean of the pictures' IoU", "chosen.rougeL": "ROUGE-L", "compressed.bits_per_pixel": "bits a pixel", "compressed.ssim": "SSIM",
        "voices": "espeak-ng voices never heard"}
WHAT = {  # what comes of what, a type each
    "image.classification": "a picture becomes a label", "image.enhancement": "a dark picture becomes a good one",
    "image.denoising": "a noisy picture becomes a clean one", "image.super-resolution": "a picture becomes twice as large",
    "image.segmentation": "a picture becomes a mask, and objects", "image.compression": "a picture becomes a small file, and a picture again",
    "image.style": "a picture is painted", "image.generation": "a drawing becomes a picture", "text.classification": "a text becomes a label",
    "text.semantics": "words get their part of speech", "text.translation": "a sentence becomes one of another language",
    "text.summarisation": "a sentence becomes its eight words", "text.keywords": "keywords with category and lemma",
    "audio.recognition": "a recording becomes a word", "audio.denoising": "a noisy recording becomes a clean one",
    "audio.synthesis": "three recordings become one",
}


def load():
    try:
        return json.loads(FIGURES.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def save(name, recipe, rows):
    """The model's figures: what ships, and the rows of each sparsity."""
    metric = recipes.METRICS[recipe["metric"]]
    shipped = rows[str(recipe["sparsity"])]
    baseline = recipe["baseline"]
    everything = load()
    everything[name] = {
        "processing": recipe["processing"], "structure": recipe["network"], "sparsity": recipe["sparsity"], "seed": recipe["seed"],
        "train": command(recipe), "licence": recipe["licence"],
        "metric": recipe["metric"], "more_is_better": metric.more, "value": shipped["value"],
        "baseline": shipped["baseline"] if "key" in baseline else baseline["value"], "baseline_of": baseline["what"],
        "floor": recipe["floor"], "goal": recipe.get("goal"), "rows": dict(sorted(rows.items())),
    }
    FIGURES.write_text(json.dumps(dict(sorted(everything.items())), indent=1) + "\n", encoding="utf-8")


def command(recipe):
    """What `wisp train` was told, data and media apart."""
    rate = recipe.get("rates", {}).get(recipe["sparsity"])
    words = (recipe.get("given"), recipe.get("training"), recipe["train"], f"--rate {rate}" if rate else None)
    return " ".join(word for word in words if word and word != "--media {media}")


def said(metric, value):
    return "" if value is None else f"{metric.scale * value:.{metric.decimals}f}{metric.unit}"


def replace(path, table, head):
    """Puts the table between the marks of a page, which begins so where there is none yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"{head}\n\n{BEGIN}{END}\n"
    before, rest = text.split(BEGIN)
    path.write_text(before + BEGIN + table + END + rest.split(END)[1], encoding="utf-8")


def ordered():
    return sorted(load().items(), key=lambda entry: (list(WHAT).index(entry[1]["processing"]), entry[0]))


def percent(sparsity):
    return f"{100 * float(sparsity):g} % sparse" if float(sparsity) else "dense"


def write_card(name, figures):
    metric, rows = recipes.METRICS[figures["metric"]], figures["rows"]
    recipe = recipes.RECIPES[name]
    shipped = rows[str(figures["sparsity"])]
    table = [(f"test {metric.name}", f"{said(metric, figures['value'])} of {shipped['samples']} samples")]
    table += [(ALSO[key], f"{shipped[key]:.4f}") for key in recipe.get("also", [])]
    table += [(ALSO[key], said(metric, shipped[key])) for key in ("voices",) if key in shipped]
    table += [(f"validation {key}", said(metric, shipped["validation"])) for key in ("accuracy",) if figures["metric"] == key]
    table += [(f"baseline: {figures['baseline_of']}", said(metric, figures["baseline"]))]
    table += [(f"{'dense network' if key == '0' else percent(key)}, same shape and recipe",
               said(metric, row["value"]) + (f", {row['bytes']:,} bytes" if "bytes" in row else "")) for key, row in rows.items() if float(key) != figures["sparsity"]]
    table += [("least that may ship", said(metric, figures["floor"])),
              ("connections", f"{shipped['connections']:,} of {shipped['potential']:,}, sparsity {shipped['realised_sparsity']:.4f}"),
              ("structure", f"`{figures['structure']}`, seed {figures['seed']}"), ("training", f"`{figures['train']}`"),
              ("processor time of it", f"{shipped['seconds']:.0f} s on {shipped['threads']} core{'s' if shipped['threads'] > 1 else ''}"
               if "seconds" in shipped else "not measured"),
              ("file", f"{shipped['bytes']:,} bytes"), ("data", f"{recipe['from']}"), ("licence", recipe["licence"])]
    replace(ROOT / f"models/{name}.md", "| | |\n| --- | --- |\n" + "".join(f"| {key} | {value} |\n" for key, value in table), f"# {name}")


def write_readme():
    table = "| type | model | what it does | metric | test | dense | 80 % sparse | beside it | | bytes |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
    for name, figures in ordered():
        metric, rows = recipes.METRICS[figures["metric"]], figures["rows"]
        shipped = rows[str(figures["sparsity"])]
        compared = [said(metric, rows.get(key, {}).get("value")) for key in ("0", "0.8")]
        table += (f"| {figures['processing']} | [{name}]({name}.md), {percent(figures['sparsity'])} | {WHAT[figures['processing']]} | {metric.name} | "
                  f"{said(metric, figures['value'])} | {' | '.join(compared)} | {figures['baseline_of']} | {said(metric, figures['baseline'])} | {shipped['bytes']:,} |\n")
    replace(ROOT / "models/README.md", table, "# models: what ships")


def write_results():
    table = ("| type | model | metric | baseline | dense | 50 % | 80 % | ships | floor | goal | seconds |\n"
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
    for name, figures in ordered():
        metric, rows = recipes.METRICS[figures["metric"]], figures["rows"]
        seconds = rows[str(figures["sparsity"])].get("seconds")
        seconds = f"{seconds:.0f}" if seconds else ""
        cells = [said(metric, rows.get(key, {}).get("value")) for key in ("0", "0.5", "0.8")]
        table += (f"| {figures['processing']} | {name} | {metric.name} | {said(metric, figures['baseline'])} | {' | '.join(cells)} | "
                  f"{said(metric, figures['value'])} at {100 * figures['sparsity']:g} % | {said(metric, figures['floor'])} | {said(metric, figures['goal'])} | "
                  f"{seconds} |\n")
    replace(ROOT / "docs/results/types.md", table, "# All types")


def write_front():
    """The table in the README of all."""
    table = "| type | model | metric | test | dense | beside it | file |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    for name, figures in ordered():
        metric, rows = recipes.METRICS[figures["metric"]], figures["rows"]
        table += (f"| {figures['processing']} | {name}, {percent(figures['sparsity'])} | {metric.name} | {said(metric, figures['value'])} | "
                  f"{said(metric, rows.get('0', {}).get('value'))} | {said(metric, figures['baseline'])}: {figures['baseline_of']} | "
                  f"{rows[str(figures['sparsity'])]['bytes'] / 1e6:.2f} MB |\n")
    replace(ROOT / "README.md", table, "# wisp")


def write_all():
    for name, figures in load().items():
        write_card(name, figures)
    write_readme()
    write_results()
    write_front()
