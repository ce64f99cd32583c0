# Lapse with its simulator of Klarna, for a machine without Node:
#
#   docker build --tag lapse .
#   docker run --rm --interactive --tty --network host lapse            # npm start
#   docker run --rm lapse npm test
#
# All servers listen on 127.0.0.1, so the container shares the network of the machine.
FROM node:24-bookworm

# Java runs DynamoDB Local on machines without an embedded database.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends openjdk-17-jre-headless \
  && rm -rf /var/lib/apt/lists/*

RUN install --directory --owner=node --group=node /lapse
USER node
WORKDIR /lapse
COPY --chown=node:node . .
RUN npm ci

CMD ["npm", "start"]
