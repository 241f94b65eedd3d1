// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PollTest {

    private static final Duration SOON = Duration.ofMillis(50);
    private static final Duration LATE = Duration.ofSeconds(30);

    @Test
    void theDescriptorsThatAreReadableAreTold() {
        try (EventFd first = new EventFd();
                EventFd second = new EventFd()) {
            second.signal();

            assertThat(Poll.await(LATE, first.fd(), second.fd())).containsExactly(false, true);
        }
    }

    @Test
    void aSignalFromAnotherThreadEndsTheWait() throws Exception {
        try (EventFd event = new EventFd()) {
            CompletableFuture<boolean[]> waiting =
                    CompletableFuture.supplyAsync(() -> Poll.await(LATE, event.fd()));
            event.signal();

            assertThat(waiting.get(10, TimeUnit.SECONDS)).containsExactly(true);
        }
    }

    @Test
    void withoutASignalItTakesTheTimeout() {
        try (EventFd event = new EventFd()) {
            long start = System.nanoTime();

            assertThat(Poll.await(SOON, event.fd())).containsExactly(false);
            assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(SOON.toNanos());
        }
    }

    @Test
    void aSignalLastsUntilItIsCleared() {
        try (EventFd event = new EventFd()) {
            event.signal();
            event.signal();
            assertThat(Poll.await(Duration.ZERO, event.fd())).containsExactly(true);

            event.clear();
            event.clear();
            assertThat(Poll.await(Duration.ZERO, event.fd())).containsExactly(false);
        }
    }

    @Test
    void aClosedDescriptorIsAnError() {
        EventFd event = new EventFd();
        event.close();

        assertThatThrownBy(() -> Poll.await(LATE, event.fd()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("file descriptor " + event.fd() + " is closed");
    }

    @Test
    void signallingAClosedEventIsQuiet() {
        EventFd event = new EventFd();
        event.close();
        event.close();

        event.signal();
    }
}
