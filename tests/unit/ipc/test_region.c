/* SPDX-License-Identifier: Apache-2.0
 *
 * Regions: what the kernel refuses to whom, and what region_map() refuses. Every test ends with the descriptors and
 * mappings that it began with.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/region.h"
#include "support/resources.h"
#include "support/test.h"

enum { SIZE = 300 << 10, NOBODY = 65534 };

static unsigned fds_before, maps_before;

static int count_before(void **state)
{
    (void)state;
    fds_before = resources_fds();
    maps_before = resources_maps("memfd:");
    return 0;
}

static int count_after(void **state)
{
    (void)state;
    return resources_fds() != fds_before || resources_maps("memfd:") != maps_before;
}

static struct region make_region(void)
{
    struct region region;
    struct reason why;

    assert_ok(region_create(&region, "wisp-test", SIZE, true, &why), why);
    return region;
}

/* Runs `function` in a child, as nobody when we are root; passes when it returns true. */
static void assert_in_child(bool (*function)(const struct region *region), const struct region *region, bool as_nobody)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        if (as_nobody && geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
            _exit(2);
        _exit(function(region) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_both_ends_see_the_same_bytes(void **state)
{
    struct region ours = make_region(), theirs;
    struct reason why;

    (void)state;
    memcpy(ours.address, "from the daemon", sizeof "from the daemon");
    assert_ok(region_map(&theirs, region_reopen_readonly(&ours), SIZE, false, &why), why);
    assert_ptr_not_equal(theirs.address, ours.address);
    assert_string_equal(theirs.address, "from the daemon");
    memcpy(ours.address, "once more", sizeof "once more");
    assert_string_equal(theirs.address, "once more");
    region_deinit(&theirs);
    region_deinit(&ours);
    region_deinit(&ours); /* idempotent */
    assert_null(ours.address);
    assert_int_equal(ours.fd, -1);
}

static void test_all_pages_are_there(void **state)
{
    struct region region = make_region();
    struct stat status;

    (void)state;
    assert_int_equal(fstat(region.fd, &status), 0);
    assert_int_equal(status.st_blocks * 512, SIZE);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(fcntl(region.fd, F_GETFD) & FD_CLOEXEC);
    region_deinit(&region);
}

static void test_nobody_can_resize_it(void **state)
{
    struct region region = make_region();

    (void)state;
    assert_int_equal(ftruncate(region.fd, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(region.fd, 2 * SIZE), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(fallocate(region.fd, 0, SIZE, 4096), -1);
    assert_int_equal(fcntl(region.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    assert_int_equal(errno, EPERM);
    region_deinit(&region);
}

static void test_a_punched_hole_reads_zero(void **state)
{
    struct region region = make_region();

    (void)state;
    memset(region.address, 'x', SIZE);
    assert_int_equal(fallocate(region.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE), 0);
    for (size_t i = 0; i < SIZE; i += 512)
        assert_int_equal(((volatile char *)region.address)[i], 0); /* no SIGBUS */
    region_deinit(&region);
}

/* As the writer's peer: made by one, mapped to write by the other. */
static struct region make_for_peer(struct region *peer)
{
    struct region region;
    struct reason why;

    assert_ok(region_create(&region, "wisp-test", SIZE, false, &why), why);
    assert_ok(region_map(peer, dup(region.fd), SIZE, true, &why), why);
    return region;
}

static void test_a_sealed_region_keeps_its_pages(void **state)
{
    struct region theirs, ours = make_for_peer(&theirs);
    struct reason why;
    void *view;

    (void)state;
    assert_false(region_is_sealed(&ours));
    assert_ok(region_seal(&theirs, &why), why);
    assert_true(region_is_sealed(&ours));
    memcpy(theirs.address, "still written", sizeof "still written");
    assert_string_equal(ours.address, "still written");
    assert_int_equal(fallocate(theirs.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(madvise(theirs.address, SIZE, MADV_REMOVE), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(pwrite(theirs.fd, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_ptr_equal(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, theirs.fd, 0), MAP_FAILED);
    assert_int_equal(errno, EPERM);
    assert_int_equal(fcntl(theirs.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    view = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, theirs.fd, 0);
    assert_ptr_not_equal(view, MAP_FAILED);
    assert_string_equal(view, "still written");
    munmap(view, SIZE);
    assert_true(region_is_sealed(&ours));
    region_deinit(&theirs);
    region_deinit(&ours);
}

static void test_half_sealed_is_not_sealed(void **state)
{
    static const int seals[] = { 0, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL };

    (void)state;
    for (size_t i = 0; i < sizeof seals / sizeof *seals; i++) {
        struct region theirs, ours = make_for_peer(&theirs);

        assert_int_equal(fcntl(theirs.fd, F_ADD_SEALS, seals[i]), 0);
        assert_false(region_is_sealed(&ours));
        region_deinit(&theirs);
        region_deinit(&ours);
    }
}

static void test_sealed_with_a_hole_is_not_sealed(void **state)
{
    struct region theirs, ours = make_for_peer(&theirs);
    struct reason why;

    (void)state;
    assert_int_equal(fallocate(theirs.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096), 0);
    assert_ok(region_seal(&theirs, &why), why);
    assert_false(region_is_sealed(&ours));
    region_deinit(&theirs);
    region_deinit(&ours);
}

static void test_the_readonly_descriptor_is_readonly(void **state)
{
    struct region region = make_region();
    int fd = region_reopen_readonly(&region);
    void *address;

    (void)state;
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_ptr_equal(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(errno, EACCES);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(write(fd, "x", 1), -1);

    address = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(address, MAP_FAILED);
    assert_int_equal(mprotect(address, SIZE, PROT_READ | PROT_WRITE), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(madvise(address, SIZE, MADV_REMOVE), -1);
    munmap(address, SIZE);
    close(fd);
    region_deinit(&region);
}

static bool cannot_reopen_for_writing(const struct region *region)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", region->fd);
    return open(path, O_RDWR | O_CLOEXEC) < 0 && errno == EACCES && fchmod(region->fd, 0666) < 0;
}

static void test_another_user_cannot_reopen_it(void **state)
{
    struct region region = make_region();
    struct region view = { .fd = region_reopen_readonly(&region) };

    (void)state;
    if (geteuid() != 0) {
        close(view.fd);
        region_deinit(&region);
        skip();
    }
    assert_in_child(cannot_reopen_for_writing, &view, true);
    close(view.fd);
    region_deinit(&region);
}

static bool is_unmapped(const struct region *region)
{
    unsigned char vector[SIZE / 4096];

    return mincore(region->address, SIZE, vector) < 0 && errno == ENOMEM;
}

static void test_a_child_does_not_inherit_the_mapping(void **state)
{
    struct region ours = make_region(), theirs;
    struct reason why;

    (void)state;
    assert_ok(region_map(&theirs, dup(ours.fd), SIZE, true, &why), why);
    assert_in_child(is_unmapped, &theirs, false);
    region_deinit(&theirs);
    region_deinit(&ours);
}

static int memfd_of(size_t size, unsigned flags, int seals)
{
    int fd = memfd_create("wisp-test", MFD_CLOEXEC | flags);

    if (fd < 0)
        return -1;
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    if (seals)
        assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void assert_refused(int fd, const char *expected)
{
    struct region region;
    struct reason why = { "" };

    assert_true(fd >= 0);
    assert_int_equal(region_map(&region, fd, SIZE, true, &why), WISP_E_INVALID);
    assert_int_equal(region.fd, -1);
    assert_null(region.address);
    if (!strstr(why.text, expected))
        fail_msg("\"%s\" does not say \"%s\"", why.text, expected);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* consumed */
}

static void test_foreign_descriptors_are_refused(void **state)
{
    const char *folder = scratch_make();
    int pair[2], both = F_SEAL_SHRINK | F_SEAL_GROW;

    (void)state;
    assert_refused(memfd_of(SIZE, MFD_ALLOW_SEALING, 0), "resize");
    assert_refused(memfd_of(SIZE, MFD_ALLOW_SEALING, F_SEAL_SHRINK), "resize");
    assert_refused(memfd_of(SIZE, MFD_ALLOW_SEALING, F_SEAL_GROW), "resize");
    assert_refused(memfd_of(SIZE, 0, 0), "resize");
    assert_refused(memfd_of(SIZE + 4096, MFD_ALLOW_SEALING, both), "311296");
    assert_refused(memfd_of(SIZE - 4096, MFD_ALLOW_SEALING, both), "303104");
    assert_refused(memfd_of(0, MFD_ALLOW_SEALING, both), "of 0 bytes");
    assert_refused(memfd_of(1ull << 40, MFD_ALLOW_SEALING, both), "1099511627776");
    assert_refused(open(scratch_path(folder, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "");
    assert_refused(open("/dev/zero", O_RDWR | O_CLOEXEC), "not plain");
    assert_refused(open("/proc", O_RDONLY | O_CLOEXEC), "not plain");
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    assert_refused(pair[0], "not plain");
    assert_refused(pair[1], "not plain");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_refused(pair[0], "not plain");
    assert_refused(pair[1], "not plain");
    scratch_remove(folder);
}

static void test_huge_pages_are_refused(void **state)
{
    int fd = memfd_create("wisp-test", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

    (void)state;
    if (fd < 0)
        skip();
    assert_refused(fd, "not plain");
}

static void test_a_closed_descriptor_is_refused(void **state)
{
    struct region region;
    struct reason why;

    (void)state;
    assert_int_equal(region_map(&region, -1, SIZE, true, &why), WISP_E_INVALID);
    assert_null(region.address);
}

static void test_odd_sizes_are_refused(void **state)
{
    struct region region;
    struct reason why;

    (void)state;
    assert_int_equal(region_create(&region, "x", 0, true, &why), -EINVAL);
    assert_int_equal(region_create(&region, "x", 4095, true, &why), -EINVAL);
    assert_int_equal(region_create(&region, "x", (size_t)1 << 62, true, &why), -EINVAL);
    assert_int_equal(region.fd, -1);
}

/* As many pages as are wanted, all of them behind the end: each read of the buffer would make one more, in the name of
 * whoever reads. */
static void pages_behind_the_end_do_not_count(void **state)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
    int fd = memfd_create("test", MFD_ALLOW_SEALING), theirs = dup(fd);
    struct region region;
    struct reason why;
    struct stat status;

    (void)state;
    assert_true(fd >= 0 && theirs >= 0);
    assert_int_equal(ftruncate(fd, SIZE), 0);
    assert_int_equal(fallocate(fd, FALLOC_FL_KEEP_SIZE, SIZE, SIZE), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    assert_int_equal(lseek(fd, 100, SEEK_SET), 100);
    assert_int_equal(region_map_theirs(&region, theirs, SIZE, &why), WISP_E_INVALID);
    assert_non_null(strstr(why.text, "nobody has written"));
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_blocks * 512, SIZE); /* and there is none more */
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 100);
    close(fd);
}

#define counted(test) cmocka_unit_test_setup_teardown(test, count_before, count_after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        counted(pages_behind_the_end_do_not_count),
        counted(test_both_ends_see_the_same_bytes),
        counted(test_all_pages_are_there),
        counted(test_nobody_can_resize_it),
        counted(test_a_punched_hole_reads_zero),
        counted(test_a_sealed_region_keeps_its_pages),
        counted(test_half_sealed_is_not_sealed),
        counted(test_sealed_with_a_hole_is_not_sealed),
        counted(test_the_readonly_descriptor_is_readonly),
        counted(test_another_user_cannot_reopen_it),
        counted(test_a_child_does_not_inherit_the_mapping),
        counted(test_foreign_descriptors_are_refused),
        counted(test_huge_pages_are_refused),
        counted(test_a_closed_descriptor_is_refused),
        counted(test_odd_sizes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
