// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibBpf.libbpf;
import static io.linuxflow.bpf.LibC.libc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Pins BPF objects as files of a mounted BPF file system. */
final class BpfFileSystem {

    private BpfFileSystem() {}

    static void pin(String what, int fd, Path path) {
        String operation = "pin the " + what + " as " + path;
        Path directory = path.toAbsolutePath().getParent();
        Path existing = directory;
        while (!Files.exists(existing)) {
            existing = existing.getParent();
        }
        try {
            if (!Files.getFileStore(existing).type().equals("bpf")) {
                throw BpfException.of(
                        operation,
                        existing + " is not a BPF file system",
                        "Mount one: mount -t bpf bpf /sys/fs/bpf; ip netns exec hides it, so"
                                + " name interfaces NETNS:DEV from outside instead");
            }
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw BpfException.of(operation, e.toString(), "");
        }
        int result = libbpf().bpf_obj_pin(fd, path.toString());
        if (result < 0) {
            throw BpfException.of(
                    operation,
                    -result,
                    result == -LibC.EEXIST
                            ? "Something is pinned there already: remove it, or pin elsewhere"
                            : BpfException.remedy(-result));
        }
    }

    /** Deletes a pin, or an empty directory; does nothing if it is not there. */
    static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw BpfException.of("remove " + path, e.toString(), "");
        }
    }

    /**
     * Opens what is pinned.
     *
     * @param kind map or link
     * @return the file descriptor
     */
    static int open(Path path, String kind) {
        String operation = "open the pinned " + kind + " " + path;
        int fd = libbpf().bpf_obj_get(path.toString());
        if (fd < 0) {
            throw BpfException.of(
                    operation,
                    -fd,
                    fd == -LibC.ENOENT ? "Nothing is pinned there" : BpfException.remedy(-fd));
        }
        try {
            String inode = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
            if (!inode.contains(kind)) {
                libc().close(fd);
                throw BpfException.of(operation, "it is no " + kind + " but " + inode, "");
            }
        } catch (IOException e) {
            libc().close(fd);
            throw BpfException.of(operation, e.toString(), "");
        }
        return fd;
    }
}
