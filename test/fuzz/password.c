/*
 * libFuzzer target: helpers/password-check, whole, as checkpassword(8) runs it. Up to its first
 * octet 1 the input is what comes from descriptor 3, behind it the file of names and hashes. A
 * crypt that takes no time makes "$secret" of "secret". Asserted is that
 *
 * - the password is right if the first usable line with that name says so, and only then;
 * - the password that came, and no other, is hashed once, whether there is such a name or not;
 * - what is no message is told from a wrong password.
 */
#include <assert.h>
#include <crypt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "session/text/span.h"

/* The helper's main, what it calls in the place of crypt_r, and what of it must be known. */
int password_check(int argc, char **argv);
char *hash_cheaply(const char *password, const char *setting, struct crypt_data *data);
int check_cheaply(const char *setting);

enum { INPUT = 3, HASH_MAX = 512, MESSAGE_MAX = 512, RIGHT = 0, WRONG = 1, MISUSE = 2 };

static int file = -1;
static struct span password_sent;
static unsigned hashed; /* passwords, of this input */

/* NULL if it is too long, as crypt(3) has it. */
static const char *hash_of(const char *password, char hash[CRYPT_OUTPUT_SIZE])
{
    if (strlen(password) + 2 > CRYPT_OUTPUT_SIZE)
        return NULL;
    (void)snprintf(hash, CRYPT_OUTPUT_SIZE, "$%s", password); /* fits */
    return hash;
}

char *hash_cheaply(const char *password, const char *setting, struct crypt_data *data)
{
    hashed++;
    assert(strlen(setting) < HASH_MAX && setting[0] != '\0');
    assert(strlen(password) == password_sent.length);
    assert(memcmp(password, password_sent.octets, password_sent.length) == 0);
    if (setting[0] != '$')
        return strcpy(data->output, "*0");
    return hash_of(password, data->output) == NULL ? NULL : data->output;
}

int check_cheaply(const char *setting)
{
    return setting[0] == '$' ? CRYPT_SALT_OK : CRYPT_SALT_INVALID;
}

static void write_file(int descriptor, struct span text)
{
    assert(ftruncate(descriptor, 0) == 0 && lseek(descriptor, 0, SEEK_SET) == 0);
    assert(pwrite(descriptor, text.octets, text.length, 0) == (ssize_t)text.length);
}

static void open_files(void)
{
    int message = memfd_create("message", MFD_CLOEXEC);
    assert(message >= 0 && (message == INPUT || dup2(message, INPUT) == INPUT));
    file = memfd_create("passwords", MFD_CLOEXEC);
    assert(file > INPUT);
    assert(setenv("SMTP_HANDLER_SANDBOX", "off", 1) == 0); /* all in this process */
}

/* Takes the string off the front of `message`; false if its NUL is missing. */
static bool take_string(struct span *message, struct span *string)
{
    size_t length = span_find(*message, '\0');
    if (length == message->length)
        return false;
    *string = span_first(*message, length);
    *message = span_after(*message, length + 1);
    return true;
}

static bool is_same(struct span a, struct span b)
{
    return a.length == b.length && memcmp(a.octets, b.octets, a.length) == 0;
}

/* Reads "name:hash" off a line of the file; false if it is unusable. */
static bool read_line(struct span line, struct span *name, struct span *hash)
{
    line.length = span_find(line, '\0');
    line.length = span_find(line, '\r');
    size_t colon = span_find(line, ':');
    if (colon == line.length || line.octets[0] == '#')
        return false;
    *name = span_first(line, colon);
    *hash = span_after(line, colon + 1);
    return hash->length > 0 && hash->length < HASH_MAX && hash->octets[0] == '$';
}

/* Whether `passwords` has that name with that hash. */
static bool is_right(struct span passwords, struct span name, struct span hash)
{
    struct span its_name, its_hash;
    while (passwords.length > 0) {
        size_t length = span_find(passwords, '\n');
        if (read_line(span_first(passwords, length), &its_name, &its_hash) &&
            is_same(name, its_name))
            return is_same(hash, its_hash);
        passwords = span_after(passwords, length < passwords.length ? length + 1 : length);
    }
    return false;
}

/* What password-check must exit with. */
static int status_of(struct span message, struct span passwords)
{
    char password[MESSAGE_MAX + 1], hash[CRYPT_OUTPUT_SIZE];
    struct span name;
    if (message.length > MESSAGE_MAX || !take_string(&message, &name) ||
        !take_string(&message, &password_sent))
        return MISUSE;
    memcpy(password, password_sent.octets, password_sent.length);
    password[password_sent.length] = '\0';
    if (hash_of(password, hash) == NULL)
        return WRONG;
    return is_right(passwords, name, span_of(hash)) ? RIGHT : WRONG;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char program[] = "password-check";
    char name[64];
    char *argv[] = {program, name, NULL};
    struct span input = {(const char *)data, size};
    struct span message = span_first(input, span_find(input, '\1'));
    if (message.length == size)
        return 0;
    struct span passwords = span_after(input, message.length + 1);
    if (file < 0)
        open_files();
    write_file(INPUT, message);
    write_file(file, passwords);
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", file); /* fits */
    int expected = status_of(message, passwords);
    hashed = 0;
    assert(password_check(2, argv) == expected);
    assert(hashed == (expected == MISUSE ? 0 : 1));
    return 0;
}
