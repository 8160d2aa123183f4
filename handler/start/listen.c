#include "handler/start/listen.h"

#include <sysexits.h>
#include <unistd.h>

#include "handler/listener/user.h"
#include "handler/page.h"
#include "handler/signals.h"
#include "handler/start/check.h"

bool listen_alone(struct start *start, bool listens, struct problem *problem)
{
    bool handed = listens || connection_is_handed(&start->connection);
    start->connection = (struct connection){.in = STDIN_FILENO, .out = STDOUT_FILENO};
    if (!handed)
        return signals_begin(true, problem);
    (void)problem_set(problem, EX_USAGE, "option listen: a socket was handed to us, too");
    problem->page = PAGE_LISTENING;
    return false;
}

bool listen_begin(struct start *start, struct sockets *sockets, struct problems *problems)
{
    static struct user user;
    const struct options *options = &start->options;
    struct problem found;
    problems_about(problems, PAGE_LISTENING);
    bool is_user = user_find(&user, options->user, &found) &&
                   sockets_bind(sockets, &options->listen, &found) &&
                   user_become(&user, !options->no_sandbox, &found);
    problems_add_unless(problems, is_user, &found);
    if (is_user)
        check_all(start, problems);
    if (problems_allow(problems)) {
        sockets_announce(sockets);
        return true;
    }
    if (is_user)
        user_blame(&user, &problems->error);
    sockets_stop(sockets);
    return false;
}
