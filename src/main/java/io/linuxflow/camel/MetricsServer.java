// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheckHelper;
import org.apache.camel.support.service.ServiceSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves over HTTP what Prometheus scrapes, {@code /metrics}, and what probes ask for, {@code
 * /health/live} and {@code /health/ready} (status 200, or 503 and which interface or sink is
 * wrong).
 *
 * <p>A bean to be bound with {@code initMethod: start} and {@code destroyMethod: stop}; it listens
 * once the CamelContext is started. All work is done when somebody asks. That it can't listen is a
 * warning: what is metered and exported does not depend on it.
 */
public final class MetricsServer extends ServiceSupport implements CamelContextAware {

    private static final Logger LOG = LoggerFactory.getLogger(MetricsServer.class);

    private static final String PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";
    private static final String JSON = "application/json";

    /** Camel's exposure level for the results of those checks, too, that are up. */
    private static final String ALL_CHECKS = "full";

    /** The one of each context that listens: of several the last. */
    private static final Map<CamelContext, MetricsServer> LISTENING = new ConcurrentHashMap<>();

    private record Answer(int status, String type, String body) {}

    private final ObjectMapper json = new ObjectMapper();
    private CamelContext camelContext;
    private String address = "127.0.0.1";
    private int port = 9999;
    private HttpServer server;
    private ExecutorService executor;
    private PrometheusMeterRegistry registry;
    private FlowMetrics metrics;

    @Override
    protected void doStart() throws Exception {
        if (port == 0) {
            return;
        }
        // The YAML loader makes a bean, drops it, and makes it again: only the last one listens.
        camelContext.addStartupListener(
                (context, alreadyStarted) -> {
                    if (alreadyStarted) {
                        takeOver();
                    }
                    if ((alreadyStarted || isStarted()) && server == null) {
                        listen();
                    }
                });
    }

    /** Routes are being reloaded: the bean that listens is dropped, but may not be stopped. */
    private void takeOver() {
        MetricsServer former = LISTENING.get(camelContext);
        if (former != null) {
            former.stop();
        }
    }

    private void listen() {
        try {
            InetSocketAddress at = new InetSocketAddress(address, port);
            if (at.isUnresolved()) {
                throw new UnknownHostException("unknown host");
            }
            server = HttpServer.create(at, 0);
        } catch (IOException | RuntimeException e) {
            LOG.warn(
                    "Metrics are not served at {}:{}: {}. Give another metrics.address or"
                            + " metrics.port, or port 0 for no metrics",
                    address,
                    port,
                    e.getMessage());
            return;
        }
        server.createContext("/", this::handle);
        // Without threads of its own, one request that is never finished would hold up all others.
        executor = camelContext.getExecutorServiceManager().newCachedThreadPool(this, "metrics");
        server.setExecutor(executor);
        server.start();
        LISTENING.put(camelContext, this);
    }

    @Override
    protected void doStop() {
        if (server != null) {
            LISTENING.remove(camelContext, this);
            server.stop(0);
            server = null;
            camelContext.getExecutorServiceManager().shutdownNow(executor);
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Answer answer;
            try {
                answer = answer(exchange);
            } catch (RuntimeException e) {
                LOG.warn("{} failed: {}", exchange.getRequestURI().getPath(), e.toString());
                answer = text(500, e.toString());
            }
            byte[] body = answer.body.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", answer.type);
            boolean head = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(answer.status, head ? -1 : body.length);
            if (!head) {
                exchange.getResponseBody().write(body);
            }
        }
    }

    private Answer answer(HttpExchange exchange) throws IOException {
        if (!List.of("GET", "HEAD").contains(exchange.getRequestMethod())) {
            return text(405, "GET only");
        }
        return switch (exchange.getRequestURI().getPath()) {
            case "/metrics" -> new Answer(200, PROMETHEUS_TEXT, scrape());
            case "/health/live" ->
                    health(HealthCheckHelper.invokeLiveness(camelContext, ALL_CHECKS), false);
            case "/health/ready" ->
                    health(HealthCheckHelper.invokeReadiness(camelContext, ALL_CHECKS), true);
            default -> text(404, "There are /metrics, /health/live and /health/ready");
        };
    }

    private static Answer text(int status, String line) {
        return new Answer(status, "text/plain; charset=utf-8", line + "\n");
    }

    private synchronized String scrape() {
        if (metrics == null) {
            registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
            metrics = new FlowMetrics(camelContext, registry);
        }
        metrics.refresh();
        return registry.scrape();
    }

    private Answer health(Collection<HealthCheck.Result> results, boolean readiness)
            throws IOException {
        boolean up = HealthCheckHelper.isResultsUp(results, readiness);
        List<Map<String, Object>> checks = new ArrayList<>();
        for (HealthCheck.Result result : results) {
            Map<String, Object> check = new LinkedHashMap<>();
            check.put("name", result.getCheck().getId());
            check.put("status", result.getState());
            result.getMessage().ifPresent(message -> check.put("message", message));
            result.getError().ifPresent(error -> check.put("error", error.toString()));
            Object problems = result.getDetails().get(EbpfFlowmapHealthCheck.PROBLEMS);
            if (problems != null) {
                check.put(EbpfFlowmapHealthCheck.PROBLEMS, problems);
            }
            checks.add(check);
        }
        Map<String, Object> health = new LinkedHashMap<>();
        health.put("status", up ? "UP" : "DOWN");
        health.put("checks", checks);
        return new Answer(up ? 200 : 503, JSON, json.writeValueAsString(health) + "\n");
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
    }

    public String getAddress() {
        return address;
    }

    /** The address to listen at, 127.0.0.1 by default: what is served says a lot of the network. */
    public void setAddress(String address) {
        this.address = address;
    }

    public int getPort() {
        return port;
    }

    /** The TCP port to listen at, 9999 by default; 0 is none, and nothing is served. */
    public void setPort(int port) {
        this.port = port;
    }
}
