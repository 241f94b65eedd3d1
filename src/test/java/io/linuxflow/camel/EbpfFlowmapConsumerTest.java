// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.bpf.Hook;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.metering.CacheOptions;
import io.linuxflow.metering.MeterOptions;
import io.linuxflow.metering.MeteringDirection;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePattern;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EbpfFlowmapConsumerTest {

    private final List<FakeMeter> meters = new CopyOnWriteArrayList<>();
    private final List<FlowBatch> first = new CopyOnWriteArrayList<>();
    private final List<FlowBatch> second = new CopyOnWriteArrayList<>();
    private UnaryOperator<FakeMeter> prepare = UnaryOperator.identity();
    private DefaultCamelContext camel;

    @BeforeEach
    void createContext() {
        camel = new DefaultCamelContext();
        camel.getShutdownStrategy().setTimeout(5);
        camel.addComponent(
                "ebpf-flowmap",
                new EbpfFlowmapComponent(
                        options -> {
                            FakeMeter meter = prepare.apply(new FakeMeter(options));
                            meters.add(meter);
                            return meter;
                        }));
    }

    @AfterEach
    void closeContext() {
        camel.stop();
    }

    @Test
    void consumersOfOneNameShareOneMeterAndSeeEveryBatch() throws Exception {
        route("first", "ebpf-flowmap:flows", first);
        route("second", "ebpf-flowmap:flows", second);
        camel.start();

        meter().meter(TestFlows.tcp(3, 1000)).meter(TestFlows.tcp(4, 2000)).drain();

        await().untilAsserted(() -> assertThat(first).extracting(FlowBatch::size).contains(3, 4));
        await().untilAsserted(() -> assertThat(second).isEqualTo(first));
        assertThat(meters).hasSize(1);
    }

    @Test
    void consumersOfOtherNamesHaveAnotherMeter() throws Exception {
        route("first", "ebpf-flowmap:inside", first);
        route("second", "ebpf-flowmap:outside", second);

        camel.start();

        assertThat(meters).hasSize(2).allMatch(FakeMeter::isRunning);
    }

    @Test
    void noConsumerMissesWhatIsMeteredFromTheVeryStart() throws Exception {
        prepare = meter -> meter.meter(TestFlows.tcp(5, 1000));
        route("first", "ebpf-flowmap:flows", first);
        route("second", "ebpf-flowmap:flows", second);

        camel.start();

        await().untilAsserted(() -> assertThat(first).hasSize(1));
        await().untilAsserted(() -> assertThat(second).hasSize(1));
    }

    @Test
    void aBatchIsOneInOnlyExchangeWithItsSizeAndDomainInHeaders() throws Exception {
        List<Exchange> exchanges = new CopyOnWriteArrayList<>();
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("ebpf-flowmap:flows").process(e -> exchanges.add(e.copy()));
                    }
                });
        camel.start();

        meter().meter(TestFlows.tcp(3, 1000)).drain();

        await().until(() -> exchanges.size() == 1);
        Exchange exchange = exchanges.get(0);
        assertThat(exchange.getPattern()).isEqualTo(ExchangePattern.InOnly);
        assertThat(exchange.getIn().getBody()).isInstanceOf(FlowBatch.class);
        assertThat(exchange.getIn().getHeaders())
                .containsEntry(EbpfFlowmapConstants.FLOW_COUNT, 3)
                .containsEntry(EbpfFlowmapConstants.OBSERVATION_DOMAIN, 0);
    }

    @Test
    void batchesKeepTheirOrder() throws Exception {
        route("first", "ebpf-flowmap:flows", first);
        camel.start();

        for (int size = 1; size <= 100; size++) {
            meter().meter(TestFlows.tcp(size, 1000));
        }
        meter().drain();

        await().until(() -> first.size() == 100);
        assertThat(first).extracting(FlowBatch::size).isSorted();
    }

    @Test
    void optionsOfTheUriReachTheMeter() throws Exception {
        route(
                "first",
                "ebpf-flowmap:flows?interfaces=eth*,ns0:veth0&direction=both&hook=clsact"
                    + "&clsactPriority=2&clsactHandle=3&clsactChain=4&drainInterval=250ms&slots=1000"
                    + "&clock=boot&latency=true&batchSize=10&activeTimeout=20s&idleTimeout=10s"
                    + "&finishedDrain=0&cacheMaxFlows=50",
                first);
        camel.start();

        assertThat(meter().options.interfaces()).isEqualTo("eth*,ns0:veth0");
        assertThat(meter().options.direction()).isEqualTo(MeteringDirection.BOTH);
        assertThat(meter().options.hook()).isEqualTo(Hook.CLSACT);
        assertThat(meter().options.clsact().priority()).isEqualTo(2);
        assertThat(meter().options.clsact().handle()).isEqualTo(3);
        assertThat(meter().options.clsact().chain()).isEqualTo(4);
        assertThat(meter().options.drainInterval()).isEqualTo(Duration.ofMillis(250));
        assertThat(meter().options.slots()).isEqualTo(1000);
        assertThat(meter().options.latency()).isTrue();
        assertThat(meter().options.batchSize()).isEqualTo(10);
        assertThat(meter().options.cache())
                .isEqualTo(
                        new CacheOptions(
                                Duration.ofSeconds(20), Duration.ofSeconds(10), Duration.ZERO, 50));
    }

    @Test
    void anActiveTimeoutOf0IsNoCache() throws Exception {
        route("first", "ebpf-flowmap:flows?activeTimeout=0", first);
        camel.start();

        assertThat(meter().options)
                .isEqualTo(MeterOptions.DEFAULT.withActiveTimeout(Duration.ZERO));
    }

    @Test
    void anOptionMayBeGivenInOneEndpointOfTheNameOnly() throws Exception {
        route("first", "ebpf-flowmap:flows?interfaces=eth0", first);
        route("second", "ebpf-flowmap:flows?slots=1000", second);
        route("third", "ebpf-flowmap:flows", second);

        camel.start();

        assertThat(meter().options.interfaces()).isEqualTo("eth0");
        assertThat(meter().options.slots()).isEqualTo(1000);
    }

    @Test
    void contradictingOptionsAreRefusedNamingRoutesAndOption() throws Exception {
        route("first", "ebpf-flowmap:flows?drainInterval=1s", first);
        route("second", "ebpf-flowmap:flows?drainInterval=2s", second);

        assertThatThrownBy(() -> camel.start())
                .hasMessageContaining("drainInterval")
                .hasMessageContaining("route first (ebpf-flowmap://flows?drainInterval=1s)")
                .hasMessageContaining("route second (ebpf-flowmap://flows?drainInterval=2s)");
    }

    @Test
    void aRouteAddedLaterMustAgreeWithTheMeterThatRuns() throws Exception {
        route("first", "ebpf-flowmap:flows", first);
        camel.start();

        assertThatThrownBy(() -> route("second", "ebpf-flowmap:flows?slots=1000", second))
                .hasMessageContaining("slots is 131072 in the meter that runs already");
        assertThat(meter().isRunning()).isTrue();
    }

    @Test
    void anOptionOutOfRangeIsRefusedByName() {
        assertThatThrownBy(() -> camel.getEndpoint("ebpf-flowmap:flows?slots=0"))
                .rootCause()
                .hasMessageContaining("slots is 0");
    }

    @Test
    void aSlowRouteLosesItsOwnFlowsOnlyAndCountsThem() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("ebpf-flowmap:flows?queueCapacity=10")
                                .routeId("slow")
                                .process(e -> release.await());
                    }
                });
        route("second", "ebpf-flowmap:flows", second);
        camel.start();
        EbpfFlowmapConsumer slow = consumer("slow");

        for (int i = 0; i < 20; i++) {
            meter().meter(TestFlows.tcp(5, 1000));
        }
        meter().drain();

        await().until(() -> second.size() == 20);
        assertThat(slow.getDroppedFlows()).isGreaterThanOrEqualTo(100 - 10 - 2 * 5);
        assertThat(consumer("second").getDroppedFlows()).isZero();
        release.countDown();
    }

    @Test
    void stoppingTheContextExportsAllThatWasMeteredEvenThroughOtherRoutes() throws Exception {
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("ebpf-flowmap:flows").routeId("first").to("direct:sink");
                        from("direct:sink")
                                .routeId("sink")
                                .delay(20)
                                .process(e -> first.add(e.getIn().getBody(FlowBatch.class)));
                    }
                });
        route("second", "ebpf-flowmap:flows", second);
        camel.start();

        for (int i = 0; i < 10; i++) {
            meter().meter(TestFlows.tcp(5, 1000));
        }
        camel.stop();

        assertThat(first).hasSize(10);
        assertThat(second).hasSize(10);
        assertThat(meter().isRunning()).isFalse();
    }

    @Test
    void aStoppedRouteGetsWhatWasMeteredSoFarAndTheMeterEndsWithTheLast() throws Exception {
        route("first", "ebpf-flowmap:flows", first);
        route("second", "ebpf-flowmap:flows", second);
        camel.start();

        meter().meter(TestFlows.tcp(5, 1000));
        camel.getRouteController().stopRoute("first");

        assertThat(first).hasSize(1);
        assertThat(meter().isRunning()).isTrue();

        meter().meter(TestFlows.tcp(6, 1000));
        camel.getRouteController().stopRoute("second");

        assertThat(first).hasSize(1);
        assertThat(second).extracting(FlowBatch::size).containsExactly(5, 6);
        assertThat(meter().isRunning()).isFalse();
    }

    @Test
    void aRouteStartedAgainHasANewMeter() throws Exception {
        route("first", "ebpf-flowmap:flows", first);
        camel.start();
        camel.getRouteController().stopRoute("first");

        camel.getRouteController().startRoute("first");
        meter().meter(TestFlows.tcp(5, 1000)).drain();

        assertThat(meters).hasSize(2);
        await().until(() -> first.size() == 1);
    }

    @Test
    void aSuspendedRouteKeepsItsQueue() throws Exception {
        route("first", "ebpf-flowmap:flows", first);
        route("second", "ebpf-flowmap:flows", second);
        camel.start();
        camel.getRouteController().suspendRoute("first");

        meter().meter(TestFlows.tcp(5, 1000)).meter(TestFlows.tcp(6, 1000)).drain();
        await().until(() -> second.size() == 2);
        assertThat(first).isEmpty();

        camel.getRouteController().resumeRoute("first");
        await().until(() -> first.size() == 2);
    }

    @Test
    void stoppingASuspendedRouteExportsItsQueue() throws Exception {
        route("first", "ebpf-flowmap:flows", first);
        camel.start();
        camel.getRouteController().suspendRoute("first");
        meter().meter(TestFlows.tcp(5, 1000)).meter(TestFlows.tcp(6, 1000)).drain();

        camel.stop();

        assertThat(first).hasSize(2);
    }

    @Test
    void aRouteThatHangsIsGivenUpAtTheShutdownTimeout() throws Exception {
        camel.getShutdownStrategy().setTimeout(1);
        CountDownLatch never = new CountDownLatch(1);
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("ebpf-flowmap:flows").process(e -> never.await());
                    }
                });
        camel.start();
        meter().meter(TestFlows.tcp(5, 1000)).drain();

        await().atMost(10, SECONDS)
                .until(
                        () -> {
                            camel.stop();
                            return camel.isStopped();
                        });
    }

    @Test
    void aFailedExchangeGoesToTheExceptionHandlerAndTheNextIsRouted() throws Exception {
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        camel.getRegistry()
                .bind(
                        "failures",
                        new org.apache.camel.spi.ExceptionHandler() {
                            @Override
                            public void handleException(Throwable exception) {
                                failures.add(exception);
                            }

                            @Override
                            public void handleException(String message, Throwable exception) {
                                failures.add(exception);
                            }

                            @Override
                            public void handleException(
                                    String message, Exchange exchange, Throwable exception) {
                                failures.add(exception);
                            }
                        });
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("ebpf-flowmap:flows?exceptionHandler=#failures")
                                .routeId("first")
                                .errorHandler(noErrorHandler())
                                .process(
                                        e -> {
                                            FlowBatch batch = e.getIn().getBody(FlowBatch.class);
                                            if (batch.size() == 1) {
                                                throw new IllegalStateException("sink is down");
                                            }
                                            first.add(batch);
                                        });
                    }
                });
        camel.start();

        meter().meter(TestFlows.tcp(1, 1000)).meter(TestFlows.tcp(2, 1000)).drain();

        await().until(() -> first.size() == 1);
        assertThat(failures).singleElement().isInstanceOf(IllegalStateException.class);
        assertThat(consumer("first").getFailedFlows()).isEqualTo(1);
    }

    @Test
    void flowsThatFailAreCountedWhateverTheRouteDoesWithTheHeaders() throws Exception {
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("ebpf-flowmap:flows")
                                .routeId("first")
                                .errorHandler(noErrorHandler())
                                .removeHeaders("*")
                                .throwException(new IllegalStateException("sink is down"));
                    }
                });
        camel.start();

        meter().meter(TestFlows.tcp(3, 1000)).drain();

        await().untilAsserted(() -> assertThat(consumer("first").getFailedFlows()).isEqualTo(3));
        assertThat(health("first").getMessage())
                .hasValueSatisfying(m -> assertThat(m).contains("sink is down"));
    }

    @Test
    void aMeterThatCannotStartFailsTheContextWithItsReason() throws Exception {
        prepare = meter -> meter.failToStart(new IllegalStateException("load: no CAP_BPF"));
        route("first", "ebpf-flowmap:flows", first);

        assertThatThrownBy(() -> camel.start()).hasMessageContaining("load: no CAP_BPF");

        HealthCheck.Result health = health("first");
        assertThat(health.getState()).isEqualTo(HealthCheck.State.DOWN);
        assertThat(health.getError())
                .get()
                .hasToString("java.lang.IllegalStateException: load: no CAP_BPF");
    }

    @Test
    void isHealthyWhenAttachedToAnInterfaceAndNamesThoseItIsNot() throws Exception {
        route("first", "ebpf-flowmap:flows", first);
        camel.start();

        HealthCheck.Result health = health("first");
        assertThat(health.getState()).isEqualTo(HealthCheck.State.UP);
        assertThat(health.getDetails())
                .containsEntry(
                        "interfaces.problems", "eth9: no such interface; ns0:eth1: no such device");

        meter().close();
        assertThat(health("first").getMessage()).contains("the meter is not running");
    }

    @Test
    void countersAreManaged() throws Exception {
        route("first", "ebpf-flowmap:flows", first);
        camel.start();

        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        ObjectName endpoint = managed(server, "endpoints", "ebpf-flowmap*");
        assertThat(server.getAttribute(endpoint, "PacketsSeen")).isEqualTo(10L);
        assertThat(server.getAttribute(endpoint, "PacketsMetered")).isEqualTo(7L);
        assertThat(server.getAttribute(endpoint, "PacketsOverflow")).isEqualTo(1L);
        assertThat(server.getAttribute(endpoint, "Flows")).isEqualTo(6L);
        assertThat(server.getAttribute(endpoint, "Epochs")).isEqualTo(4L);
        assertThat(server.getAttribute(endpoint, "MeteredInterfaces")).isEqualTo("eth0");
        ObjectName consumer = managed(server, "consumers", "EbpfFlowmap*");
        assertThat(server.getAttribute(consumer, "QueuedFlows")).isEqualTo(0);
        assertThat(server.getAttribute(consumer, "DroppedFlows")).isEqualTo(0L);
    }

    private ObjectName managed(MBeanServer server, String type, String name) throws Exception {
        ObjectName pattern =
                new ObjectName(
                        "org.apache.camel:context="
                                + camel.getManagementName()
                                + ",type="
                                + type
                                + ",name=\""
                                + name
                                + "\"");
        ObjectName unquoted = new ObjectName(pattern.toString().replace("\"", ""));
        return java.util.stream.Stream.of(pattern, unquoted)
                .flatMap(p -> server.queryNames(p, null).stream())
                .findFirst()
                .orElseThrow();
    }

    private void route(String id, String uri, List<FlowBatch> sink) throws Exception {
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from(uri)
                                .routeId(id)
                                .process(e -> sink.add(e.getIn().getBody(FlowBatch.class)));
                    }
                });
    }

    private FakeMeter meter() {
        return meters.get(meters.size() - 1);
    }

    private EbpfFlowmapConsumer consumer(String routeId) {
        return (EbpfFlowmapConsumer) camel.getRoute(routeId).getConsumer();
    }

    private HealthCheck.Result health(String routeId) {
        return consumer(routeId).getHealthCheck().call();
    }
}
