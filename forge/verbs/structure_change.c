/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure add, import, rm, export: into the database and out of it.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json/json_memory.h"
#include "base/options.h"
#include "base/outcome.h"
#include "forge/catalog/catalog.h"
#include "forge/catalog/documents/document.h"
#include "forge/catalog/listing.h"
#include "forge/catalog/remote/http.h"
#include "forge/catalog/remote_catalog.h"
#include "forge/plan/pretrained.h"
#include "forge/verbs/structure.h"

/* ---- in ---- */

struct adding {
    struct store *store;
    struct reason *why;
    FILE *said; /* what is to be said of each, once all are stored; NULL: nothing */
    unsigned stored, known;
};

/* That the file with the base values is there and can be read is found out now, and not when it is wanted. */
static int check_base(const struct structure *structure, struct reason *why)
{
    struct pretrained *base;
    int result = structure->base ? pretrained_open(structure->base, &base, why) : 0;

    if (!result && structure->base)
        pretrained_close(base);
    return result ? refuse_in(why, result, "%s: base", structure->name) : 0;
}

static int add_one(void *argument, const struct structure *structure)
{
    struct adding *adding = argument;
    struct store_structure entry;
    struct store_added added;
    int result = check_base(structure, adding->why);

    if (!result)
        result = catalog_entry(structure, &entry, adding->why);
    if (result)
        return result;
    result = store_add(adding->store, &entry, &added, adding->why);
    store_structure_deinit(&entry);
    if (result)
        return result;
    adding->stored += added.stored;
    adding->known += !added.stored;
    if (adding->said && !added.stored)
        fprintf(adding->said, "%s: there already, as %s; not stored twice\n", structure->name, added.same_as);
    else if (adding->said)
        fprintf(adding->said, "%s: stored under %s%s\n", structure->name, structure->processing,
                added.new_type ? ", a new processing type" : "");
    return 0;
}

/* All files or none: a fault in the last must not leave the first. */
static int add_all(struct adding *adding, const struct operands *files)
{
    int result = store_begin(adding->store, adding->why);

    for (size_t i = 0; i < files->count && !result; i++)
        result = document_read(files->words[i], add_one, adding, NULL, adding->why);
    return result ? result : store_commit(adding->store, adding->why);
}

/* ---- to a server ---- */

/* A document as an entry of the list "structures:". */
static void write_entry(FILE *to, const char *document)
{
    for (const char *line = document; *line;) {
        size_t length = strcspn(line, "\n");

        fprintf(to, "%s%.*s\n", line == document ? "  - " : "    ", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

struct sending {
    FILE *to;
    struct reason *why;
};

static int write_structure(void *argument, const struct structure *structure)
{
    struct sending *sending = argument;
    cleanup_free char *document = NULL;
    int result;

    if (structure->base)
        return refuse(sending->why, WISP_E_FORMAT,
                      "%s: \"base\" names a file of this machine, and a server is for many: leave it out, and give "
                      "--base when it is built",
                      structure->name);
    result = document_canonical(structure, &document, sending->why);
    if (!result)
        write_entry(sending->to, document);
    return result;
}

static void plain_member(const json_t *object, const char *key, char out[static STORE_NAME_MAX])
{
    const char *text = json_string_value(json_object_get(object, key));

    http_plain_text(text ? text : "", text ? strlen(text) : 0, out, STORE_NAME_MAX);
}

static int print_answer(const char *verb, const char *address, const char *text, bool quiet)
{
    json_t *object = json_from_string(text, JSON_REJECT_DUPLICATES, NULL), *item;
    size_t index;

    if (!object)
        return fail(verb, EXIT_FAILED, "%s answered, but not as a structure database does", address);
    json_array_foreach(json_object_get(object, "structures"), index, item)
    {
        char name[STORE_NAME_MAX], same[STORE_NAME_MAX], processing[STORE_NAME_MAX];

        plain_member(item, "name", name);
        plain_member(item, "same_as", same);
        plain_member(item, "processing", processing);
        if (quiet)
            continue;
        if (*same)
            printf("%s: there already, as %s; not stored twice\n", name, same);
        else
            printf("%s: stored under %s%s\n", name, processing,
                   json_is_true(json_object_get(item, "new_type")) ? ", a new processing type" : "");
    }
    if (quiet)
        printf("%" JSON_INTEGER_FORMAT " stored, %" JSON_INTEGER_FORMAT " there already\n",
               json_integer_value(json_object_get(object, "stored")),
               json_integer_value(json_object_get(object, "known")));
    json_decref(object);
    return EXIT_DONE;
}

/* Checked here first, then there; as one document, so that it is all or nothing there too. */
static int send_in(const char *verb, const char *address, const struct operands *files, bool quiet)
{
    cleanup_free char *text = NULL, *said = NULL;
    struct reason why = { "" };
    size_t size;
    FILE *to = open_memstream(&text, &size);
    struct sending sending = { to, &why };
    int result = to ? 0 : refuse_errno(&why, -ENOMEM, "%s", verb);

    if (to)
        fputs("structures:\n", to);
    for (size_t i = 0; i < files->count && !result; i++)
        result = document_read(files->words[i], write_structure, &sending, NULL, &why);
    if (to && (fclose(to) || !text) && !result)
        result = refuse_errno(&why, -ENOMEM, "%s", verb);
    if (!result && size > DOCUMENT_BYTES_MAX)
        result = refuse(&why, WISP_E_INVALID,
                        "%zu bytes are more than the %d that a server takes at once: send fewer structures at a time, "
                        "or import them where the server's file is",
                        size, DOCUMENT_BYTES_MAX);
    if (!result)
        result = remote_add(address, text, size, &said, &why);
    if (result)
        return fail(verb, exit_for_input(result), "%s; nothing was stored", why.text);
    return print_answer(verb, address, said, quiet);
}

static int bring_in(const char *verb, const struct usage *usage, int argc, char **argv, bool quiet)
{
    const char *database = NULL;
    struct operands files = { .min = 1, .max = 1000, .what = "FILE.yaml" };
    struct option_table table = { .count = 0 };
    struct reason why = { "" };
    struct adding adding = { .why = &why };
    cleanup_free char *said = NULL;
    size_t size;
    int status, result;

    option_text(&table, "db", 0, &database, "FILE", "the structure database; $WISP_DB, or your own if absent");
    if (!options_read(usage, &table, argc, argv, &files, &status))
        return status;
    if (remote_address(database))
        return send_in(verb, remote_address(database), &files, quiet);
    result = catalog_open(database, true, &adding.store, &why);
    if (result)
        return fail(verb, exit_for_input(result), "%s", why.text);
    if (!quiet && !(adding.said = open_memstream(&said, &size)))
        result = refuse_errno(&why, -ENOMEM, "%s", verb);
    if (!result)
        result = add_all(&adding, &files);
    if (adding.said)
        (void)fclose(adding.said); /* without memory it says less, and is stored all the same */
    store_close(adding.store);
    if (result)
        return fail(verb, exit_for_input(result), "%s; nothing was stored", why.text);
    if (quiet)
        printf("%u stored, %u there already\n", adding.stored, adding.known);
    else
        fputs(said ? said : "", stdout);
    return EXIT_DONE;
}

int structure_add(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = "structure add",
        .arguments = "FILE.yaml… [--db FILE]",
        .summary = "Stores structures. One that is there already, names and order of keys aside, is not stored twice;\n"
                   "a processing type that is new is made.",
        .examples = "  wisp structure add my-network.yaml\n",
    };

    return bring_in(usage.verb, &usage, argc, argv, false);
}

int structure_import(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = "structure import",
        .arguments = "FILE.yaml… [--db FILE]",
        .summary = "Stores all structures of an export: all of them or, when one is wrong, none.",
        .examples = "  wisp structure import structures.yaml\n",
    };

    return bring_in(usage.verb, &usage, argc, argv, true);
}

/* ---- out ---- */

int structure_rm(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = "structure rm",
        .arguments = "NAME… [--db FILE]",
        .summary = "Removes structures from the database: all that are named, or none.",
    };
    const char *database = NULL;
    struct operands names = { .min = 1, .max = 1000, .what = "NAME" };
    struct option_table table = { .count = 0 };
    struct store *store;
    struct reason why;
    int status, result;

    option_text(&table, "db", 0, &database, "FILE", "the structure database; $WISP_DB, or your own if absent");
    if (!options_read(&usage, &table, argc, argv, &names, &status))
        return status;
    if (remote_address(database)) {
        result = remote_remove(remote_address(database), names.words, names.count, &why);
        return result ? fail(usage.verb, exit_for_input(result), "%s; nothing was removed", why.text) : EXIT_DONE;
    }
    result = catalog_open(database, true, &store, &why);
    if (result)
        return fail(usage.verb, exit_for_input(result), "%s", why.text);
    result = store_begin(store, &why);
    for (size_t i = 0; i < names.count && !result; i++)
        result = store_remove(store, names.words[i], &why);
    if (!result)
        result = store_commit(store, &why);
    store_close(store);
    if (result)
        return fail(usage.verb, exit_for_input(result), "%s; nothing was removed", why.text);
    return EXIT_DONE;
}

/* What an older version stored and nobody can read would make the whole export one that nobody can. */
static bool can_be_read(const struct store_structure *entry, struct reason *why)
{
    struct structure structure;

    if (*entry->kinds) /* it was checked when it was stored */
        return true;
    if (catalog_parse(entry->document, &structure, why))
        return false;
    structure_deinit(&structure);
    return true;
}

static int export_one(void *argument, const struct store_structure *entry)
{
    struct reason why;

    if (can_be_read(entry, &why))
        write_entry(argument, entry->document);
    else
        warn_user("structure export", "\"%s\" is left out, because it cannot be read: %s", entry->name, why.text);
    return 0;
}

static int write_export(struct store *store, const struct operands *names, const char *type, FILE *to,
                        struct reason *why)
{
    struct store_query query = { .processing = type, .documents = true };
    int found = listing_check(store, &query, why);

    if (found)
        return found;
    fprintf(to, "structures:\n");
    if (!names->count)
        return store_list(store, &query, export_one, to, why);
    for (size_t i = 0; i < names->count; i++) {
        struct store_structure entry;
        int result = store_find(store, names->words[i], &entry, why);

        if (result)
            return result;
        if (can_be_read(&entry, why))
            write_entry(to, entry.document);
        else
            result = refuse_in(why, WISP_E_FORMAT, "%s", names->words[i]);
        store_structure_deinit(&entry);
        if (result)
            return result;
    }
    return 0;
}

static int save_export(const char *path, const char *text, size_t size, struct reason *why)
{
    struct file_part part = { text, size };

    if (path)
        return file_write(path, &part, 1, why);
    (void)fwrite(text, 1, size, stdout); /* of what cannot be written main() says so in the end */
    return 0;
}

int structure_export(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = "structure export",
        .arguments = "[NAME…] [--type TYPE] [-o FILE] [--db FILE]",
        .summary =
            "Writes structures as one YAML document that `wisp structure import` reads; all, when none is named.",
        .examples = "  wisp structure export -o structures.yaml\n",
    };
    const char *database = NULL, *type = NULL, *output = NULL;
    struct operands names = { .min = 0, .max = 100000, .what = "NAME" };
    struct option_table table = { .count = 0 };
    cleanup_free char *text = NULL;
    struct store *store;
    struct reason why;
    size_t size;
    FILE *to;
    int status, result;

    option_text(&table, "type", 't', &type, "TYPE", "only of this processing type or modality");
    option_text(&table, "output", 'o', &output, "FILE", "file to write; standard output if absent");
    option_text(&table, "db", 0, &database, "FILE", "the structure database; $WISP_DB, or your own if absent");
    if (!options_read(&usage, &table, argc, argv, &names, &status))
        return status;
    result = catalog_open(database, false, &store, &why);
    if (result)
        return fail(usage.verb, exit_for_input(result), "%s", why.text);
    to = open_memstream(&text, &size);
    result = to ? write_export(store, &names, type, to, &why) : refuse_errno(&why, -ENOMEM, "export");
    if (to && (fclose(to) || !text) && !result)
        result = refuse_errno(&why, -ENOMEM, "export");
    store_close(store);
    if (result)
        return fail(usage.verb, exit_for_input(result), "%s", why.text);
    result = save_export(output, text, size, &why);
    return result ? fail(usage.verb, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}
