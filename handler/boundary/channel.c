#include "handler/boundary/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Room for descriptors beside a record, aligned as cmsg(3) wants it. */
union control {
    struct cmsghdr header;
    char octets[CMSG_SPACE(CHANNEL_DESCRIPTORS_MAX * sizeof(int))];
};

/* With descriptors beside it. The frontend has none to pass, and may not call sendmsg(2). */
static ssize_t send_with(int socket, const void *octets, size_t length, const int *descriptors,
                         size_t count, int flags)
{
    struct iovec piece = {(void *)octets, length}; /* sendmsg(2) leaves it alone */
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    union control control;
    memset(&control, 0, sizeof control);
    control.header.cmsg_len = (socklen_t)CMSG_LEN(count * sizeof *descriptors);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.header), descriptors, count * sizeof *descriptors);
    message.msg_control = &control;
    message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof *descriptors);
    return sendmsg(socket, &message, flags);
}

int channel_send(int socket, const void *octets, size_t length, const int *descriptors,
                 size_t count, int flags)
{
    ssize_t sent;
    do
        sent = count > 0
                   ? send_with(socket, octets, length, descriptors, count, flags | MSG_NOSIGNAL)
                   : send(socket, octets, length, flags | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0; /* records go whole or not at all */
}

static void copy_descriptors(const struct msghdr *message, int *descriptors, size_t count)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    for (size_t i = 0; i < count; i++)
        descriptors[i] = -1;
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        size_t length = header->cmsg_len - CMSG_LEN(0);
        size_t room = count * sizeof *descriptors;
        memcpy(descriptors, CMSG_DATA(header), length < room ? length : room);
    }
}

int channel_receive(int socket, void *octets, size_t length, int *descriptors, size_t count,
                    int flags)
{
    struct iovec piece = {octets, length};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    union control control;
    ssize_t received;
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    do
        received = recvmsg(socket, &message, flags | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    while (received < 0 && (errno == EINTR || (errno == EAGAIN && flags == 0)));
    if (received < 0)
        return -errno;
    copy_descriptors(&message, descriptors, count);
    if (received == 0)
        return -EPIPE;
    return (size_t)received == length ? 0 : -EBADMSG;
}
