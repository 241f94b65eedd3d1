// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static io.linuxflow.bpf.LibC.libc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A network namespace, held open: it exists at least until this is closed. */
public final class NetworkNamespace implements AutoCloseable {

    /** Where {@code ip netns add} mounts them. */
    private static final Path NAMED = Path.of("/run/netns");

    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM = 2;
    private static final int SOL_SOCKET = 1;
    private static final int SO_NETNS_COOKIE = 71;

    private static final Path CURRENT = Path.of("/proc/thread-self/ns/net");

    private final String name;
    private final int fd;
    private boolean closed;

    /** The namespaces that threads of processes are in, as far as can be seen, each once. */
    public static List<NetworkNamespace> ofThreads() {
        Map<String, NetworkNamespace> namespaces = new HashMap<>();
        for (Path process : list(Path.of("/proc"), "[0-9]*")) {
            for (Path thread : list(process.resolve("task"), "*")) {
                Path path = thread.resolve("ns/net");
                try {
                    String identity = Files.readSymbolicLink(path).toString();
                    if (!namespaces.containsKey(identity)) {
                        namespaces.put(identity, new NetworkNamespace(path.toString(), path));
                    }
                } catch (IOException | BpfException e) {
                    // It has ended, or has more privileges than the calling thread.
                }
            }
        }
        return List.copyOf(namespaces.values());
    }

    private static List<Path> list(Path directory, String glob) {
        List<Path> paths = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, glob)) {
            stream.forEach(paths::add);
        } catch (IOException | DirectoryIteratorException e) {
            // The process has ended.
        }
        return paths;
    }

    private NetworkNamespace(String name, Path path) {
        this.name = name;
        fd = LibC.check("open the network namespace " + path, open(path));
    }

    private static int open(Path path) {
        return libc().open(path.toString(), LibC.O_RDONLY | LibC.O_CLOEXEC);
    }

    /** The namespace of the calling thread. */
    public static NetworkNamespace current() {
        return new NetworkNamespace(null, CURRENT);
    }

    /** A namespace by the name that {@code ip netns} knows it by. */
    public static NetworkNamespace named(String name) {
        if (!Files.isRegularFile(NAMED.resolve(name)) || name.contains("/")) {
            throw BpfException.of(
                    "find the network namespace " + name,
                    "there is none of that name",
                    "ip netns add makes one; there are: "
                            + (names().isEmpty() ? "none" : String.join(", ", names())));
        }
        return new NetworkNamespace(name, NAMED.resolve(name));
    }

    /** The names that {@code ip netns} knows, in their order. */
    public static List<String> names() {
        try (Stream<Path> files = Files.list(NAMED)) {
            return files.map(file -> file.getFileName().toString())
                    .sorted()
                    .collect(Collectors.toList());
        } catch (IOException e) {
            return List.of();
        }
    }

    /**
     * Moves the calling thread into the namespace, for good. Threads it starts later inherit that.
     * Only for threads of one's own: a pool's thread would take the next task along.
     */
    public void enter() {
        if (libc().setns(fd, LibC.CLONE_NEWNET) < 0) {
            int errno = LibC.errno();
            throw BpfException.of(
                    "enter the network namespace " + name,
                    errno,
                    switch (errno) {
                        case LibC.EPERM -> "Run as root or with CAP_SYS_ADMIN";
                        case LibC.EINVAL -> "It is only a leftover file: ip netns delete " + name;
                        default -> "";
                    });
        }
    }

    /** A namespace by its name; that of the calling thread, if the name is empty. */
    public static NetworkNamespace of(String name) {
        return name.isEmpty() ? current() : named(name);
    }

    /**
     * What a thread that is in the namespace makes; a thread of its own, unless it is the calling
     * thread's namespace, which takes no privileges. Sockets stay in the namespace that they were
     * made in, whoever uses them.
     */
    public <T> T make(Supplier<T> maker) {
        if (id() == currentId()) {
            return maker.get();
        }
        FutureTask<T> task =
                new FutureTask<>(
                        () -> {
                            enter();
                            return maker.get();
                        });
        new Thread(task, "in network namespace " + name).start();
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted in network namespace " + name, e);
        }
    }

    /**
     * Moves the calling thread into a namespace made for it, which has nothing but a loopback and
     * goes with the thread.
     */
    public static void enterNew() {
        LibC.check("make a network namespace (unshare(2))", libc().unshare(LibC.CLONE_NEWNET));
    }

    /** What tells it from other namespaces while it exists: its inode number. */
    public long id() {
        return inode(Path.of("/proc/self/fd/" + fd));
    }

    /** {@link #id} of the calling thread's namespace. */
    static long currentId() {
        return inode(CURRENT);
    }

    /**
     * What tells the calling thread's namespace from all others, past and future, until the next
     * boot (SO_NETNS_COOKIE, Linux 5.14): inode numbers are used again.
     */
    public static long currentCookie() {
        String operation = "identify the network namespace";
        int socket = LibC.check(operation, libc().socket(AF_UNIX, SOCK_DGRAM | LibC.O_CLOEXEC, 0));
        try {
            byte[] cookie = new byte[Long.BYTES];
            LibC.check(
                    operation,
                    libc().getsockopt(
                                    socket,
                                    SOL_SOCKET,
                                    SO_NETNS_COOKIE,
                                    cookie,
                                    new int[] {cookie.length}));
            return ByteBuffer.wrap(cookie).order(ByteOrder.nativeOrder()).getLong();
        } finally {
            libc().close(socket);
        }
    }

    private static long inode(Path path) {
        try {
            return (Long) Files.getAttribute(path, "unix:ino");
        } catch (IOException e) {
            throw new UncheckedIOException("identify the network namespace " + path, e);
        }
    }

    /** Its name, null if it was not opened by name. */
    public String name() {
        return name;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            LibC.check("close a network namespace", libc().close(fd));
        }
    }
}
