/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotas: counted before anything is given, given back in full, and each user's own.
 */
#include "support/test.h"

#include <string.h>

#include "daemon/users/users.h"

enum { CAPACITY = 4, CHANNELS = 3, MEMORY = 1000 };

static int setup(void **state)
{
    static struct users users;

    *state = &users;
    return users_init(&users, CAPACITY, CHANNELS, MEMORY);
}

static int teardown(void **state)
{
    users_deinit(*state);
    return 0;
}

static void channels_are_counted(void **state)
{
    struct users *users = *state;
    struct user *user = users_get(users, 5);
    struct reason why;

    for (int i = 0; i < CHANNELS; i++)
        assert_ok(users_charge(users, user, 0, 1, &why), why);
    assert_int_equal(users_charge(users, user, 0, 1, &why), WISP_E_BUSY);
    assert_non_null(strstr(why.text, "user 5 has 3 channels open and may have 3"));
    assert_int_equal(user->memory, 3);
    users_leave(user, 1);
    users_left(user);
    assert_ok(users_charge(users, user, 0, 1, &why), why);
}

static void memory_is_counted(void **state)
{
    struct users *users = *state;
    struct user *user = users_get(users, 5);
    struct reason why;

    assert_ok(users_charge(users, user, 0, 600, &why), why);
    assert_int_equal(users_charge(users, user, 0, 401, &why), WISP_E_BUSY);
    assert_int_equal(users_charge(users, user, 0, UINT64_MAX, &why), WISP_E_DENIED);
    assert_int_equal(users_charge(users, user, 0, UINT64_MAX - 599, &why), WISP_E_DENIED);
    assert_int_equal(user->channels, 1);
    assert_ok(users_charge(users, user, 0, 400, &why), why);
    users_leave(user, 600);
    assert_int_equal(user->memory, 400);
    assert_ok(users_charge(users, user, 0, 600, &why), why); /* at once */
}

/* A user who goes and comes back has the budgets that he left behind; his entry goes to another user only when none is
 * older. */
static void budgets_outlive_connections(void **state)
{
    static const struct budget_rate rate = { .every_ns = 100, .burst = 3 };
    struct users *users = *state;
    struct user *user = users_get(users, 5);

    for (int i = 0; i < 3; i++)
        assert_true(budget_take(&user->lines, &rate, 1000));
    assert_false(budget_take(&user->lines, &rate, 1000));
    for (uid_t uid = 6; uid < 5 + CAPACITY; uid++)
        assert_ptr_not_equal(users_get(users, uid), user);
    assert_ptr_equal(users_get(users, 5), user);
    assert_false(budget_take(&user->lines, &rate, 1099));
    assert_true(budget_take(&user->lines, &rate, 1100));
    assert_ptr_not_equal(users_get(users, 100), user); /* in the place of 6 */
    assert_int_equal(user->uid, 5);
}

static void a_booked_budget_comes_in_turn(void **state)
{
    static const struct budget_rate rate = { .every_ns = 100, .burst = 2 };
    struct budget budget = { 0 };

    (void)state;
    assert_int_equal(budget_book(&budget, &rate, 1000), 1000);
    assert_int_equal(budget_book(&budget, &rate, 1000), 1000);
    assert_int_equal(budget_book(&budget, &rate, 1000), 1100);
    assert_int_equal(budget_book(&budget, &rate, 1000), 1200);
    assert_int_equal(budget_due(&budget, &rate, 1200), 1300);
    assert_false(budget_take(&budget, &rate, 1299));
    assert_true(budget_take(&budget, &rate, 1300));
    assert_int_equal(budget_due(&budget, &rate, 5000), 5000); /* and never more than the burst */
    assert_true(budget_take(&budget, &rate, 5000));
    assert_true(budget_take(&budget, &rate, 5000));
    assert_false(budget_take(&budget, &rate, 5000));
}

/* Opening and closing in turn, a user has some channels leaving, but no more than he may have. */
static void leaving_is_bounded(void **state)
{
    struct users *users = *state;
    struct user *user = users_get(users, 5);
    struct reason why;

    for (int i = 0; i < CHANNELS; i++) {
        assert_ok(users_charge(users, user, 0, 900, &why), why);
        users_leave(user, 900);
    }
    assert_int_equal(users_charge(users, user, 0, 900, &why), WISP_E_BUSY);
    assert_ptr_equal(users_get(users, 5), user);
    users_left(user);
    assert_ok(users_charge(users, user, 0, 900, &why), why);
}

static void users_do_not_share(void **state)
{
    struct users *users = *state;
    struct user *one = users_get(users, 1), *two;
    struct reason why;

    assert_ok(users_charge(users, one, 0, MEMORY, &why), why);
    two = users_get(users, 2);
    assert_ptr_not_equal(one, two);
    assert_ok(users_charge(users, two, 0, MEMORY, &why), why);
    assert_ptr_equal(users_get(users, 1), one);
    assert_ptr_equal(users_get(users, 2), two);
}

static void an_entry_without_connections_is_free(void **state)
{
    struct users *users = *state;
    struct reason why;

    for (uid_t uid = 0; uid < 100; uid++) {
        struct user *user = users_get(users, uid);

        assert_non_null(user);
        assert_int_equal(user->uid, uid);
        assert_int_equal(user->memory, 0);
        assert_ok(users_charge(users, user, 0, MEMORY, &why), why);
        users_leave(user, MEMORY);
        users_left(user);
    }
    for (uid_t uid = 0; uid < CAPACITY; uid++)
        users_get(users, uid)->pending++;
    assert_null(users_get(users, 99));
    users_get(users, 2)->pending--;
    assert_int_equal(users_get(users, 99)->uid, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(channels_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(budgets_outlive_connections, setup, teardown),
        cmocka_unit_test(a_booked_budget_comes_in_turn),
        cmocka_unit_test_setup_teardown(leaving_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(users_do_not_share, setup, teardown),
        cmocka_unit_test_setup_teardown(an_entry_without_connections_is_free, setup, teardown),
    };

    return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
