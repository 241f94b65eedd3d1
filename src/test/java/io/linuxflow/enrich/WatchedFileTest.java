// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WatchedFileTest {

    @TempDir private Path directory;

    @Test
    void whatWasReadLastStaysThoughWhatWasThereBeforeTakesLongerToRead() throws IOException {
        Path file = Files.writeString(directory.resolve("table"), "1");
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        WatchedFile<String> watched =
                new WatchedFile<>(
                        file,
                        path -> {
                            String text = Files.readString(path);
                            if (text.equals("two")) {
                                begun.countDown();
                                await().until(() -> mayEnd.getCount() == 0);
                                // The very last that is done before it is taken.
                                endOf(Thread.currentThread(), ended);
                            }
                            return text;
                        },
                        Duration.ofMillis(10));

        Files.writeString(file, "two");
        await().until(() -> watched.content().equals("1") && begun.getCount() == 0);
        Files.writeString(file, "three");
        await().until(() -> watched.content().equals("three"));
        mayEnd.countDown();
        await().until(() -> ended.getCount() == 0);

        assertThat(watched.content()).isEqualTo("three");
        assertThat(watched.failures()).isZero();
    }

    private static void endOf(Thread thread, CountDownLatch ended) {
        new Thread(
                        () -> {
                            try {
                                thread.join();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                            ended.countDown();
                        })
                .start();
    }
}
