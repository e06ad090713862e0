/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that has tensors: it links libwisp and nothing besides. Not run.
 */
#include <wisp/wisp.h>

int main(void)
{
    float input[4] = { 0 }, output[4];
    wisp_client *client;
    wisp_model *model;

    return wisp_connect(&client, NULL) || wisp_find(client, "numbers", &model) ||
           wisp_infer(client, model, input, 1, output, NULL);
}
