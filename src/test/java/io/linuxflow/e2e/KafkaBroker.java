// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.Uuid;
import org.awaitility.core.ConditionTimeoutException;

/** A Kafka broker of one node (KRaft), in a process of its own. */
final class KafkaBroker implements AutoCloseable {

    private static final String PARTITIONS = "3";

    private final int port = freePort();
    private final Path log;
    private final Process process;

    KafkaBroker(Path directory) {
        int controller = freePort();
        log = directory.resolve("broker.log");
        Path properties = directory.resolve("server.properties");
        write(
                properties,
                "process.roles=broker,controller",
                "node.id=1",
                "controller.quorum.voters=1@127.0.0.1:" + controller,
                "controller.listener.names=CONTROLLER",
                "listeners=PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d"
                        .formatted(port, controller),
                "log.dirs=" + directory.resolve("data"),
                "num.partitions=" + PARTITIONS,
                "offsets.topic.replication.factor=1",
                "log.cleaner.enable=false");
        try {
            Process format =
                    java(
                            "kafka.tools.StorageTool",
                            "format",
                            "--cluster-id",
                            Uuid.randomUuid().toString(),
                            "--config",
                            properties.toString());
            if (format.waitFor() != 0) {
                throw new AssertionError("kafka format: " + log());
            }
            process = java("kafka.Kafka", properties.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
        awaitReady();
    }

    private Process java(String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElse("java"),
                                "-Xmx256m",
                                "-XX:+UseSerialGC",
                                "-cp",
                                System.getProperty(
                                        "surefire.test.class.path",
                                        System.getProperty("java.class.path"))));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    private void awaitReady() {
        Map<String, Object> config =
                Map.of(
                        "bootstrap.servers",
                        address(),
                        "request.timeout.ms",
                        1000,
                        "default.api.timeout.ms",
                        2000);
        try (Admin admin = Admin.create(config)) {
            await().atMost(Duration.ofSeconds(60))
                    .until(
                            () -> {
                                try {
                                    return !process.isAlive()
                                            || !admin.describeCluster().nodes().get().isEmpty();
                                } catch (ExecutionException e) {
                                    return false;
                                }
                            });
        } catch (ConditionTimeoutException e) {
            throw new AssertionError("kafka: " + log(), e);
        }
        if (!process.isAlive()) {
            throw new AssertionError("kafka ended with " + process.exitValue() + ": " + log());
        }
    }

    private String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** For {@code bootstrap.servers}. */
    String address() {
        return "127.0.0.1:" + port;
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(Path file, String... lines) {
        try {
            Files.write(file, List.of(lines));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
