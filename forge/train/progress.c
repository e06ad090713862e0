/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "forge/plan/lineage.h"
#include "forge/train/loss.h"
#include "forge/train/progress.h"

enum { BAR_CELLS = 24, LINE_MAX_BYTES = 512, FIGURE_BYTES = 48 };

static bool locale_is_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);

        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

bool terminal_goes_back(void)
{
    const char *terminal = getenv("TERM");

    return isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

void progress_init(struct progress *progress, bool json, bool quiet, uint64_t samples_all)
{
    const char *no_colour = getenv("NO_COLOR");

    *progress = (struct progress){ .json = json || !isatty(STDOUT_FILENO),
                                   .quiet = quiet,
                                   .utf8 = locale_is_utf8(),
                                   .began_ns = clock_ns(),
                                   .samples_all = samples_all };
    progress->bar = !quiet && terminal_goes_back();
    progress->colour = progress->bar && !(no_colour && *no_colour);
}

/* What is said beside a loss: a share in per cent, decibels, or nothing. */
struct figure {
    const char *key, *name, *unit; /* key NULL: nothing */
    double value, shown;
};

static struct figure figure_of(const struct progress *p, double loss, double score)
{
    double decibels;

    if (!p->loss || loss_has_score(p->loss))
        return (struct figure){ "accuracy", "accuracy ", "%", score, 100 * score };
    if (!p->loss->squares || !(p->peak > 0) || !(loss > 0))
        return (struct figure){ .key = NULL };
    decibels = 10 * log10(p->peak * p->peak / loss);
    return (struct figure){ "psnr", "PSNR ", " dB", decibels, decibels };
}

/* With two spaces before it. */
static void format_figure(const struct figure *f, bool named, char text[static FIGURE_BYTES])
{
    *text = 0;
    if (f->key)
        snprintf(text, FIGURE_BYTES, "  %s%.2f%s", named ? f->name : "", f->shown, f->unit);
}

/* "1h05m", "2m07s", "9s". */
static void format_time(double seconds, char text[static 32])
{
    unsigned long long s = (unsigned long long)(seconds + 0.5);

    if (s >= 3600)
        snprintf(text, 32, "%lluh%02llum", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(text, 32, "%llum%02llus", s / 60, s % 60);
    else
        snprintf(text, 32, "%llus", s);
}

static void format_bar(const struct progress *p, double done, char *text, size_t size)
{
    const char *on = p->utf8 ? "━" : "#", *off = p->utf8 ? "─" : "-";
    unsigned filled = (unsigned)(done * BAR_CELLS + 0.5);
    size_t used = (size_t)snprintf(text, size, "%s", p->colour ? "\033[36m" : "");

    for (unsigned i = 0; i < BAR_CELLS; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i == filled && p->colour ? "\033[2m" : "",
                                 i < filled ? on : off);
    snprintf(text + used, size - used, "%s", p->colour ? "\033[0m" : "");
}

static unsigned terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

void progress_step(struct progress *p, uint64_t count, uint64_t epoch, uint64_t epochs, double loss, double accuracy)
{
    const struct figure figure = figure_of(p, loss, accuracy);
    char line[LINE_MAX_BYTES], bar[3 * BAR_CELLS + 32], left[32], said[FIGURE_BYTES];
    uint64_t now = clock_ns();
    double seconds = (double)(now - p->began_ns) / (double)NS_PER_S, done, speed;

    p->samples_done += count;
    if (!p->bar || now - p->drawn_ns < 100 * NS_PER_MS)
        return;
    p->drawn_ns = now;
    done = p->samples_all ? (double)p->samples_done / (double)p->samples_all : 1;
    speed = (double)p->samples_done / (seconds > 0 ? seconds : 1);
    format_time(speed > 0 ? (double)(p->samples_all - MIN(p->samples_done, p->samples_all)) / speed : 0, left);
    format_bar(p, MIN(done, 1.0), bar, sizeof bar);
    /* The narrower the terminal, the less is said; a line that wraps could not be taken back. */
    format_figure(&figure, terminal_columns() >= 100, said);
    if (terminal_columns() >= 100)
        snprintf(line, sizeof line, "%s %3.0f%%  epoch %llu/%llu  loss %.4f%s  %.0f samples/s  %s left", bar,
                 100 * done, (unsigned long long)epoch, (unsigned long long)epochs, loss, said, speed, left);
    else if (terminal_columns() >= 60)
        snprintf(line, sizeof line, "%s %3.0f%%%s  %s left", bar, 100 * done, said, left);
    else
        snprintf(line, sizeof line, "%3.0f%%  %s left", 100 * done, left);
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->bar && progress->drawn_ns) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}

void progress_event(struct progress *progress, json_t *event, const char *text)
{
    progress_clear(progress);
    if (progress->tell && event)
        progress->tell(progress->told, event);
    if (progress->json && !progress->quiet && event) {
        json_to_file(event, stdout, JSON_FORM);
        putchar('\n');
    } else if (!progress->json && !progress->quiet) {
        puts(text);
    }
    fflush(stdout);
    json_decref(event);
}

/* Under its key, or that with "validation_" before it. */
static void add_figure(json_t *object, const struct progress *p, const char *before, double loss, double score)
{
    const struct figure figure = figure_of(p, loss, score);
    char key[64];

    if (!figure.key)
        return;
    snprintf(key, sizeof key, "%s%s", before, figure.key);
    json_object_set_new(object, key, json_real(figure.value));
}

static json_t *epoch_json(const struct progress *p, const struct epoch_figures *f)
{
    json_t *object = json_pack("{s:s s:I s:I s:f s:f}", "event", "epoch", "epoch", (json_int_t)f->epoch, "epochs",
                               (json_int_t)f->epochs, "rate", f->rate, "loss", f->loss);

    add_figure(object, p, "", f->loss, f->accuracy);
    if (f->validated) {
        json_object_set_new(object, "validation_loss", json_real(f->validation_loss));
        add_figure(object, p, "validation_", f->validation_loss, f->validation_accuracy);
    }
    if (f->opposed) {
        json_object_set_new(object, "adversary_loss", json_real(f->adversary_loss));
        json_object_set_new(object, "adversary_accuracy", json_real(f->adversary_accuracy));
    }
    json_object_set_new(object, "samples_per_s", json_real(f->samples_per_s));
    json_object_set_new(object, "seconds", json_real(f->seconds));
    return object;
}

void progress_epoch(struct progress *progress, const struct epoch_figures *f, bool best)
{
    const struct figure trained = figure_of(progress, f->loss, f->accuracy);
    const struct figure held = figure_of(progress, f->validation_loss, f->validation_accuracy);
    char text[LINE_MAX_BYTES], validation[96] = "", adversary[64] = "", said[FIGURE_BYTES], held_said[FIGURE_BYTES];

    format_figure(&trained, false, said);
    format_figure(&held, false, held_said);
    if (f->validated)
        snprintf(validation, sizeof validation, "   validation %.4f%s%s", f->validation_loss, held_said,
                 best ? " *" : "  ");
    if (f->opposed)
        snprintf(adversary, sizeof adversary, "   adversary %.4f %6.2f%%", f->adversary_loss,
                 100 * f->adversary_accuracy);
    snprintf(text, sizeof text, "epoch %*llu/%llu   loss %.4f%s%s%s   %.1f s  %.0f samples/s", 3,
             (unsigned long long)f->epoch, (unsigned long long)f->epochs, f->loss, said, adversary, validation,
             f->seconds, f->samples_per_s);
    progress_event(progress, epoch_json(progress, f), text);
}
