/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cli/question.h"

int question_verb(const struct question *question, int argc, char **argv)
{
    cleanup_connection struct connection connection = { .verb = question->usage->verb, .questions = true };
    struct option_table table = { .count = 0 };
    struct operands operands = { .max = 0 };
    cleanup_json json_t *answer = NULL;
    bool json = false;
    char *text;
    int status, result;

    option_flag(&table, "json", 'j', &json, question->json_help);
    connection_options(&connection, &table);
    if (!options_read(question->usage, &table, argc, argv, &operands, &status))
        return status;
    status = connection_open(&connection);
    if (status)
        return status;
    result = question->ask(connection.client, &text);
    if (result)
        return connection_fail(&connection, result);
    answer = connection_parse(&connection, text);
    if (!answer)
        return EXIT_FAILED;
    return json ? connection_print(&connection, answer) : question->show(answer);
}
