// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;
import static io.linuxflow.bpf.LibC.libc;

import io.linuxflow.bpf.LibBpf.LinkCreateOpts;
import io.linuxflow.bpf.LibBpf.LinkInfo;
import java.nio.file.Path;

/** A BPF link of type tcx, which is attached as long as something refers to it. */
final class TcxLink implements TcAttachment.Attached {

    private final int fd;
    private boolean closed;

    TcxLink(int fd) {
        this.fd = fd;
    }

    /** The link's file descriptor, or a negative errno. */
    static int create(BpfProgram program, int ifindex, Direction direction) {
        LinkCreateOpts opts = new LinkCreateOpts();
        // Before nothing in particular: before all.
        opts.flags.set(LibBpf.BPF_F_BEFORE);
        int type = direction == Direction.INGRESS ? LibBpf.BPF_TCX_INGRESS : LibBpf.BPF_TCX_EGRESS;
        return opts.pass(o -> libbpf().bpf_link_create(program.fd(), ifindex, type, o));
    }

    static TcxLink adopt(Path pinned, BpfProgram program) {
        TcxLink link = new TcxLink(BpfFileSystem.open(pinned, "link"));
        int result = libbpf().bpf_link_update(link.fd, program.fd(), null);
        if (result < 0) {
            link.close();
            throw BpfException.of(
                    "run " + program.name() + " by the pinned link " + pinned,
                    -result,
                    "Its interface is gone, or it is no tc link: remove it");
        }
        return link;
    }

    /** The kernel forgets the interface of a link when it goes. */
    @Override
    public boolean isAttached() {
        return !closed && new LinkInfo(fd).ifindex.get() != 0;
    }

    void pin(Path path) {
        BpfFileSystem.pin("tcx link", fd, path);
    }

    @Override
    public void leave() {
        close();
    }

    /** The program of a pinned link that is attached no more; 0 if it is attached still. */
    static int detachedProgram(Path pinned) {
        TcxLink link = new TcxLink(BpfFileSystem.open(pinned, "link"));
        try {
            LinkInfo info = new LinkInfo(link.fd);
            return info.ifindex.get() == 0 ? info.prog_id.intValue() : 0;
        } finally {
            link.close();
        }
    }

    /** Detaches whatever link is pinned there, though others hold it too, and deletes the pin. */
    static void remove(Path pinned) {
        TcxLink link = new TcxLink(BpfFileSystem.open(pinned, "link"));
        try {
            LibBpf.check("detach the pinned link " + pinned, libbpf().bpf_link_detach(link.fd));
        } finally {
            link.close();
        }
        BpfFileSystem.remove(pinned);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            LibC.check("close a tcx link", libc().close(fd));
        }
    }
}
