// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** A thread that lives in a network namespace. */
public final class NamespaceThread implements AutoCloseable {

    /** A Callable without a result. */
    interface Action {
        void run() throws Exception;
    }

    private final ExecutorService thread = Executors.newSingleThreadExecutor();

    /**
     * What the action returns, run by a thread of its own there. Sockets stay where they are made.
     */
    public static <T> T in(String namespace, Callable<T> action) {
        try (NamespaceThread thread = new NamespaceThread(namespace)) {
            return thread.call(action);
        }
    }

    NamespaceThread(String namespace) {
        run(
                () -> {
                    try (NetworkNamespace ns = NetworkNamespace.named(namespace)) {
                        ns.enter();
                    }
                });
    }

    /** Throws what the action throws. */
    <T> T call(Callable<T> action) {
        try {
            return thread.submit(action).get(60, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError(e.getCause());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    void run(Action action) {
        call(
                () -> {
                    action.run();
                    return null;
                });
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
